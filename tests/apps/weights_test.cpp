// The program's `weights` command.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/fixtures.hpp"
#include "base/error.hpp"
#include "support/http_server.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "weights/manifest.hpp"

namespace afterglow::test {
namespace {

struct Fixture {
  TemporaryFolder folder;

  fs::path file(const std::string& name) const { return folder.path() / name; }

  static void check_one_line(const ProgramResult& result, int code, const std::string& said) {
    INFO(result.err);
    CHECK(result.exit_code == code);
    CHECK_THAT(result.err, Catch::Contains(said));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
};

}  // namespace

TEST_CASE("weights: list names every file, for people and machines", "[app]") {
  const ProgramResult text = run_afterglow({"weights", "list"});
  const ProgramResult json = run_afterglow({"weights", "list", "--json"});
  REQUIRE(text.exit_code == 0);
  REQUIRE(json.exit_code == 0);
  const auto entries = nlohmann::json::parse(json.out);
  REQUIRE(entries.size() == known_weights().size());
  for (const auto& entry : entries) {
    CHECK_THAT(text.out, Catch::Contains(entry.at("file").get<std::string>()));
    CHECK(entry.at("addresses").size() >= 1);
    CHECK(entry.at("bytes").get<std::int64_t>() > 1'000'000);
  }
}

TEST_CASE_METHOD(Fixture, "weights: verify tells the right file from others", "[app]") {
  // Sizes are checked before contents: a sparse file is as good as a wrong one.
  const KnownWeights& eccv16 = find_weights("eccv16");
  write_text(file("sparse"), "");
  fs::resize_file(file("sparse"), eccv16.bytes);
  check_one_line(run_afterglow({"weights", "verify", file("sparse")}), 2, "has SHA-256 ");
  write_text(file(eccv16.file), "too short");
  check_one_line(run_afterglow({"weights", "verify", file(eccv16.file)}), 2,
                 "has 9 bytes, not 128946764");
  write_text(file(eccv16.file), "<html><body>404</body></html>");
  check_one_line(run_afterglow({"weights", "verify", file(eccv16.file)}), 2, "is an HTML page");
  write_text(file("other"), "something");
  check_one_line(run_afterglow({"weights", "verify", file("other")}), 2, "is none of the files");
  check_one_line(run_afterglow({"weights", "verify", file("none")}), 2, "does not exist");
  // VGG16's has no published checksum: its size is all there is.
  const KnownWeights& vgg16 = find_weights("vgg16");
  write_text(file(vgg16.file), "");
  fs::resize_file(file(vgg16.file), vgg16.bytes);
  const ProgramResult right = run_afterglow({"weights", "verify", file(vgg16.file)});
  CHECK(right.exit_code == 0);
  CHECK_THAT(right.out, Catch::Contains("vgg16, of the right size; no checksum is published"));
}

TEST_CASE_METHOD(Fixture,
                 "weights: fetch gets a file from a mirror, goes on after a kill, and does "
                 "nothing when it is there",
                 "[app]") {
  const KnownWeights& vgg16 = find_weights("vgg16");
  std::string bytes(vgg16.bytes, 'w');
  const HttpServer server([&](const HttpRequest& request) { return serve(bytes, request); });
  const std::vector<std::string> arguments = {"weights",  "fetch",    "vgg16",           "--to",
                                              file("to"), "--mirror", server.address("")};
  // Killed when a part is there.
  const fs::path whole = file("to") / vgg16.file, part = whole.string() + ".part";
  {
    RunningProgram killed(AFTERGLOW_PROGRAM, arguments);
    while (!fs::exists(part) || fs::file_size(part) == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  if (fs::exists(whole)) fs::rename(whole, part);  // it was faster
  const bool begun = fs::exists(part);
  write_text(whole, "");  // what lies there is no reason not to fetch
  const ProgramResult result = run_afterglow(arguments);
  INFO(result.err);
  REQUIRE(result.exit_code == 0);
  CHECK(fs::file_size(whole) == vgg16.bytes);
  CHECK(names_in(file("to")) == std::vector<std::string>{vgg16.file});
  CHECK(begun);
  CHECK(server.requests().front().path == "/" + vgg16.file);

  const std::size_t asked = server.requests().size();
  const ProgramResult again = run_afterglow(arguments);
  CHECK(again.exit_code == 0);
  CHECK_THAT(again.out, Catch::Contains("already there"));
  CHECK(server.requests().size() == asked);
}

TEST_CASE_METHOD(Fixture, "weights: a known name stands for what was fetched under it", "[app]") {
  ::setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  const fs::path fetched = folder.path() / "afterglow/weights" / find_weights("vgg16").file;
  try {
    weights_file("vgg16");
    FAIL("nothing was fetched");
  } catch (const InputError& e) {
    CHECK(e.what() ==
          fetched.string() + ": is not there; call afterglow weights fetch vgg16, or give a file");
  }
  fs::create_directories(fetched.parent_path());
  write_text(fetched, "weights");
  CHECK(weights_file("vgg16") == fetched);
  CHECK(weights_file("other.h5") == "other.h5");
  ::unsetenv("XDG_CACHE_HOME");
}

TEST_CASE_METHOD(Fixture, "weights: what cannot be fetched is said in one line", "[app]") {
  check_one_line(run_afterglow({"weights", "fetch", "resnet"}), 2,
                 "resnet: is no file of weights that is known here; give one of vgg16, eccv16");
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{404, {}, {}}; });
  // A proxy that is not there keeps the test off the network.
  ::setenv("https_proxy", server.address("").c_str(), 1);
  ::setenv("http_proxy", server.address("").c_str(), 1);
  ::setenv("no_proxy", "127.0.0.1", 1);
  const ProgramResult result = run_afterglow(
      {"weights", "fetch", "eccv16", "--to", file("to"), "--mirror", server.address("gone")});
  for (const char* name : {"https_proxy", "http_proxy", "no_proxy"}) ::unsetenv(name);
  check_one_line(result, 1, "gone answers with status 404; https://");
  CHECK(names_in(file("to")).empty());
}

}  // namespace afterglow::test
