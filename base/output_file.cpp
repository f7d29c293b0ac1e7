#include "base/output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/error.hpp"

namespace afterglow {
namespace fs = std::filesystem;

void sync_to_disk(const fs::path& path, const fs::path& shown) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    throw RunError(shown.string() + ": cannot be synced; " + std::strerror(errno));
  const int status = fsync(descriptor);
  const int reason = errno;
  close(descriptor);
  // EINVAL: a file system without fsync; the rename is then all there is.
  if (status != 0 && reason != EINVAL) {
    throw DiskFull(shown.string() + ": cannot be written to disk: " + std::strerror(reason) +
                   "; free some space and run again");
  }
}

OutputFile::OutputFile(fs::path final_path) : final_(std::move(final_path)) {
  if (final_.filename().empty()) final_ = final_.parent_path();  // "clips/"
  const fs::path folder = final_.has_parent_path() ? final_.parent_path() : fs::path(".");
  std::error_code error;
  fs::create_directories(folder, error);
  if (std::error_code ignored; !fs::is_directory(folder, ignored)) {
    throw InputError(folder.string(),
                     "cannot be made as a folder" + (error ? ": " + error.message() : ""),
                     "choose another output path");
  }
  if (access(folder.c_str(), W_OK) != 0) {
    throw InputError(folder.string(), std::string("cannot be written: ") + std::strerror(errno),
                     "choose another output path");
  }
  temporary_ = folder / ("." + final_.stem().string() + ".part" + final_.extension().string());
  fs::remove_all(temporary_, error);
}

OutputFile::~OutputFile() {
  if (committed_) return;
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void OutputFile::commit() {
  std::error_code error;
  if (fs::is_directory(temporary_)) {
    for (const auto& entry : fs::recursive_directory_iterator(temporary_)) {
      if (entry.is_regular_file()) sync_to_disk(entry.path(), final_);
    }
    // Swapped with the folder that is there, one of them is whole at every moment; what then has
    // the temporary name is the old one. Not every file system can swap.
    committed_ =
        fs::is_directory(final_, error) &&
        renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, final_.c_str(), RENAME_EXCHANGE) == 0;
    fs::remove_all(committed_ ? temporary_ : final_, error);
  } else {
    sync_to_disk(temporary_, final_);
  }
  if (!committed_) {
    fs::rename(temporary_, final_, error);
    if (error) throw RunError(final_.string() + ": cannot be put in place: " + error.message());
    committed_ = true;
  }
  sync_to_disk(final_.has_parent_path() ? final_.parent_path() : fs::path("."), final_);
}

void refuse_overwriting(const fs::path& output, const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs) {
    std::error_code missing;
    if (fs::equivalent(input, output, missing)) {
      throw InputError(output.string(), "is an input and the output", "choose another output path");
    }
  }
}

void write_text_file(const fs::path& path, const std::string& text) {
  OutputFile output(path);
  std::ofstream stream(output.temporary(), std::ios::binary);
  if (!stream) {
    throw InputError(path.string(), std::string("cannot be written: ") + std::strerror(errno),
                     "choose another output path");
  }
  stream << text;
  stream.close();
  if (!stream) {
    throw DiskFull(path.string() + ": could not be written whole; is the disk full?");
  }
  output.commit();
}

}  // namespace afterglow
