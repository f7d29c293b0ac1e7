// `afterglow weights`: the files of pretrained weights: which there are, getting them, checking
// them; and trained models for other programs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "apps/commands.hpp"
#include "base/error.hpp"
#include "base/input_file.hpp"
#include "base/output_file.hpp"
#include "base/sha256.hpp"
#include "weights/download.hpp"
#include "weights/manifest.hpp"
#include "weights/model_file.hpp"
#include "weights/raw_tensors.hpp"

namespace afterglow {
namespace fs = std::filesystem;
namespace {

bool is_fetched(const KnownWeights& known) {
  const std::optional<fs::path> cache = find_weights_folder();
  return cache && fs::exists(*cache / known.file);
}

void list(bool as_json) {
  if (as_json) {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const KnownWeights& known : known_weights()) {
      json.push_back({{"name", known.name},
                      {"file", known.file},
                      {"bytes", known.bytes},
                      {"sha256", known.sha256.empty() ? nullptr : nlohmann::json(known.sha256)},
                      {"md5", known.md5.empty() ? nullptr : nlohmann::json(known.md5)},
                      {"licence", known.licence},
                      {"purpose", known.purpose},
                      {"addresses", known.addresses},
                      {"fetched", is_fetched(known)}});
    }
    std::printf("%s\n", json.dump(2).c_str());
    return;
  }
  for (const KnownWeights& known : known_weights()) {
    std::printf("%s%s\n", known.name.c_str(), is_fetched(known) ? "  (fetched)" : "");
    std::printf("  file     %s, %.1f MB\n", known.file.c_str(),
                static_cast<double>(known.bytes) / 1e6);
    if (known.sha256.empty()) {
      std::printf("  md5      %s\n", known.md5.c_str());
    } else {
      std::printf("  sha256   %s\n", known.sha256.c_str());
    }
    std::printf("  licence  %s\n", known.licence.c_str());
    std::printf("  for      %s\n", known.purpose.c_str());
    for (const std::string& address : known.addresses)
      std::printf("  from     %s\n", address.c_str());
  }
}

/// What is wrong with the file at `path`; empty when nothing is.
std::string problem_of(const KnownWeights& known, const fs::path& path) {
  return check_weights(known, read_file(path, kLargestWeightsFile, "a file of weights"));
}

struct FetchCommand {
  std::vector<std::string> names;
  fs::path to;
  std::string mirror;
};

void fetch_one(const FetchCommand& command, const KnownWeights& known) {
  const fs::path path = (command.to.empty() ? weights_folder() : command.to) / known.file;
  std::error_code missing;  // what is of another size is not even read
  if (fs::file_size(path, missing) == known.bytes && problem_of(known, path).empty()) {
    std::printf("%s: already there\n", path.c_str());
    return;
  }
  DownloadRequest request{known.name, known.addresses, known.bytes, path,
                          [&known](std::string_view bytes) { return check_weights(known, bytes); }};
  if (!command.mirror.empty()) {
    const bool folder = command.mirror.ends_with('/');
    request.addresses.insert(request.addresses.begin(),
                             command.mirror + (folder ? known.file : ""));
  }
  download(request);
  std::printf("%s: fetched\n", path.c_str());
}

void fetch(const FetchCommand& command) {
  std::vector<const KnownWeights*> wanted;
  for (const std::string& name : command.names) wanted.push_back(&find_weights(name));
  if (wanted.size() > 1 && !command.mirror.empty() && !command.mirror.ends_with('/')) {
    throw InputError("--mirror " + command.mirror, "is the address of one file, not of several",
                     "end it in / when it is a folder, or fetch one name");
  }
  std::size_t failed = 0;
  for (const KnownWeights* known : wanted) {
    try {
      fetch_one(command, *known);
    } catch (const RunError& error) {  // of one file's addresses; the others may have theirs
      if (wanted.size() == 1) throw;
      std::fprintf(stderr, "afterglow: %s\n", error.what());
      ++failed;
    }
  }
  if (failed > 0) {
    throw PartlyDone(std::to_string(failed) + " of " + std::to_string(wanted.size()) +
                     " files could not be fetched; see the lines above");
  }
}

/// The entry that a file claims to be: by its name, else by its size.
const KnownWeights* claimed(const fs::path& path, std::uint64_t bytes) {
  for (const KnownWeights& known : known_weights()) {
    if (path.filename() == known.file) return &known;
  }
  for (const KnownWeights& known : known_weights()) {
    if (bytes == known.bytes) return &known;
  }
  return nullptr;
}

void verify(const std::vector<fs::path>& paths) {
  for (const fs::path& path : paths) {
    const std::string bytes = read_file(path, kLargestWeightsFile, "a file of weights");
    const KnownWeights* const known = claimed(path, bytes.size());
    if (known == nullptr) {
      throw InputError(path.string(),
                       "(SHA-256 " + sha256(bytes) + ") is none of the files that are known",
                       "`afterglow weights list` names them");
    }
    const std::string problem = check_weights(*known, bytes);
    if (!problem.empty()) {
      throw InputError(path.string(), problem, "fetch " + known->name + " again");
    }
    std::printf("%s: %s, ok\n", path.c_str(), known->name.c_str());
  }
}

struct ExportCommand {
  fs::path model, out;
  std::string format;
};

void export_to(const ExportCommand& command) {
  refuse_overwriting(command.out, {command.model});
  export_model(load_any_model(command.model, make_cpu_backend()), command.format, command.out);
  std::puts(command.out.c_str());
}

}  // namespace

void add_weights(CLI::App& program) {
  CLI::App* const app =
      program.add_subcommand("weights", "Files of weights: list, fetch, verify, export");
  app->require_subcommand(1);

  CLI::App* const list_app =
      app->add_subcommand("list", "The files that can be used: size, checksum, licence, sources");
  const auto as_json = std::make_shared<bool>(false);
  list_app->add_flag("--json", *as_json, "For machines");
  list_app->callback([as_json] { list(*as_json); });

  CLI::App* const fetch_app = app->add_subcommand(
      "fetch",
      "Get files into the cache, where other commands find them by name; goes on after a "
      "break");
  const auto command = std::make_shared<FetchCommand>();
  fetch_app->add_option("NAME", command->names, "As `weights list` names them")->required();
  fetch_app->add_option("--to", command->to, "Another folder than the cache");
  fetch_app->add_option("--mirror", command->mirror,
                        "An address to try first: http, https or file; of a folder when it ends "
                        "in /, as it must for several names");
  fetch_app->callback([command] { fetch(*command); });

  CLI::App* const verify_app =
      app->add_subcommand("verify", "Check files of weights by size and checksum");
  const auto paths = std::make_shared<std::vector<fs::path>>();
  verify_app->add_option("FILE", *paths, "Files, under whatever name")->required();
  verify_app->callback([paths] { verify(*paths); });

  CLI::App* const export_app =
      app->add_subcommand("export", "Write a trained model for Keras, PyTorch or ONNX runtimes");
  const auto wanted = std::make_shared<ExportCommand>();
  export_app->add_option("MODEL", wanted->model, "A model file")->required();
  export_app->add_option("--format", wanted->format, "What to write")
      ->check(CLI::IsMember({"keras", "safetensors", "onnx"}))
      ->required();
  export_app->add_option("--out", wanted->out, "The file to write")->required();
  export_app->callback([wanted] { export_to(*wanted); });
}

}  // namespace afterglow
