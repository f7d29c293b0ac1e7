#include "base/output_file.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/error.hpp"
#include "support/temporary_folder.hpp"

namespace fs = std::filesystem;
using afterglow::OutputFile;

namespace {

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("an output file appears only when committed") {
  const afterglow::TemporaryFolder folder;
  const fs::path path = folder.path() / "deep" / "result.h5";
  {
    OutputFile output(path);
    CHECK(output.temporary().parent_path() == path.parent_path());
    CHECK(output.temporary().extension() == ".h5");
    std::ofstream(output.temporary()) << "half";
    CHECK_FALSE(fs::exists(path));
  }
  CHECK(fs::is_empty(path.parent_path()));
  {
    OutputFile output(path);
    std::ofstream(output.temporary()) << "whole";
    output.commit();
  }
  CHECK(content(path) == "whole");
}

TEST_CASE("without a commit the old file stays, and a killed run's leftover is cleared") {
  const afterglow::TemporaryFolder folder;
  const fs::path path = folder.path() / "a.txt";
  afterglow::write_text_file(path, "old");
  fs::path leftover;
  {
    OutputFile output(path);
    leftover = output.temporary();
    std::ofstream(leftover) << "new";
  }
  CHECK(content(path) == "old");
  std::ofstream(leftover) << "left by a killed run";
  afterglow::write_text_file(path, "newer");
  CHECK(content(path) == "newer");
  CHECK_FALSE(fs::exists(leftover));
}

TEST_CASE("a folder is put in place whole, replacing the old one") {
  const afterglow::TemporaryFolder folder;
  const fs::path path = folder.path() / "frames";
  fs::create_directory(path);
  std::ofstream(path / "stale.png") << "x";
  OutputFile output(path.string() + "/");
  fs::create_directory(output.temporary());
  std::ofstream(output.temporary() / "00000.png") << "y";
  output.commit();
  CHECK(fs::exists(path / "00000.png"));
  CHECK_FALSE(fs::exists(path / "stale.png"));
}

TEST_CASE("an impossible output path is refused in one line that names it") {
  const afterglow::TemporaryFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  CHECK_THROWS_AS(OutputFile(folder.path() / "file" / "out.h5"), afterglow::InputError);
  CHECK_THROWS_AS(OutputFile("/proc/nowhere/out.h5"), afterglow::InputError);
}
