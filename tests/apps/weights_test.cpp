// The program's `weights` command.
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>
#include <tuple>

#include "apps/fixtures.hpp"
#include "base/error.hpp"
#include "base/input_file.hpp"
#include "data/result_file.hpp"
#include "support/http_server.hpp"
#include "support/kept_variable.hpp"
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

/// While one lives, programs ask this server for every address that is not on this machine.
struct OffTheNetwork {
  explicit OffTheNetwork(const HttpServer& proxy) {
    for (const char* name : {"https_proxy", "http_proxy"}) {
      ::setenv(name, proxy.address("").c_str(), 1);
    }
    ::setenv("no_proxy", "127.0.0.1", 1);
  }
  ~OffTheNetwork() {
    for (const char* name : {"https_proxy", "http_proxy", "no_proxy"}) ::unsetenv(name);
  }
  OffTheNetwork(const OffTheNetwork&) = delete;
  OffTheNetwork& operator=(const OffTheNetwork&) = delete;
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
  check_one_line(run_afterglow({"weights", "verify", file("other")}), 2, ") is none of the files");
  check_one_line(run_afterglow({"weights", "verify", file("none")}), 2, "does not exist");
  // Keras publishes an MD5 sum of VGG16's.
  const KnownWeights& vgg16 = find_weights("vgg16");
  write_text(file(vgg16.file), "");
  fs::resize_file(file(vgg16.file), vgg16.bytes);
  check_one_line(run_afterglow({"weights", "verify", file(vgg16.file)}), 2,
                 "has MD5 46b9bf18d47ca5bbd3c9f0bf740afce3, not 6d6bbae1");
}

TEST_CASE_METHOD(Fixture, "weights: fetch goes on after a kill, and leaves nothing of a wrong file",
                 "[app]") {
  const KnownWeights& vgg16 = find_weights("vgg16");
  const std::string bytes(vgg16.bytes, 'w');
  const HttpServer server([&](const HttpRequest& request) { return serve(bytes, request); });
  const HttpServer proxy([](const HttpRequest&) { return HttpAnswer{404, {}, {}}; });
  const OffTheNetwork off(proxy);
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
  fs::resize_file(part, vgg16.bytes / 2);  // however far it got
  write_text(whole, "");                   // what lies there is no reason not to fetch
  const std::size_t asked = server.requests().size();
  const ProgramResult result = run_afterglow(arguments);
  check_one_line(result, 1, "gives a file that has MD5 ");
  CHECK(server.requests().at(asked).path == "/" + vgg16.file);
  CHECK(server.requests().at(asked).from == static_cast<std::int64_t>(vgg16.bytes / 2));
  CHECK(!fs::exists(part));
  CHECK(fs::file_size(whole) == 0);
  // The proxy was asked for the address that stands behind the mirror.
  REQUIRE(proxy.requests().size() == 1);
  CHECK_THAT(proxy.requests().front().path, Catch::Contains("storage.googleapis.com"));
}

TEST_CASE_METHOD(Fixture, "weights: a known name stands for what was fetched under it", "[app]") {
  const KeptVariable kept("XDG_CACHE_HOME");
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
}

TEST_CASE_METHOD(Fixture, "weights: what cannot be fetched is said in one line", "[app]") {
  check_one_line(run_afterglow({"weights", "fetch", "resnet"}), 2,
                 "resnet: is no file of weights that is known here; give one of vgg16, eccv16");
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{404, {}, {}}; });
  const OffTheNetwork off(server);
  const ProgramResult result = run_afterglow(
      {"weights", "fetch", "eccv16", "--to", file("to"), "--mirror", server.address("gone")});
  check_one_line(result, 1, "gone answers with status 404; https://");
  CHECK(names_in(file("to")).empty());
}

TEST_CASE_METHOD(Fixture, "weights: fetch goes on with the next file when one cannot be had",
                 "[app]") {
  const HttpServer server([](const HttpRequest&) { return HttpAnswer{404, {}, {}}; });
  const OffTheNetwork off(server);
  const ProgramResult result = run_afterglow(
      {"weights", "fetch", "eccv16", "vgg16", "--to", file("to"), "--mirror", server.address("")});
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Catch::Contains("afterglow: eccv16: could not be fetched") &&
                             Catch::Contains("afterglow: vgg16: could not be fetched") &&
                             Catch::Contains("with --mirror\n") &&
                             Catch::Contains("2 of 2 files could not be fetched"));
  check_one_line(run_afterglow({"weights", "fetch", "eccv16", "vgg16", "--to", file("to"),
                                "--mirror", server.address("one")}),
                 2, "is the address of one file, not of several; end it in /");
}

TEST_CASE("weights: list needs no cache", "[app]") {
  const KeptVariable home("HOME"), cache("XDG_CACHE_HOME");
  ::unsetenv("HOME");
  ::unsetenv("XDG_CACHE_HOME");
  const ProgramResult text = run_afterglow({"weights", "list"});
  const ProgramResult json = run_afterglow({"weights", "list", "--json"});
  const ProgramResult fetch = run_afterglow({"weights", "fetch", "vgg16"});
  CHECK(text.exit_code == 0);
  CHECK(json.exit_code == 0);
  Fixture::check_one_line(fetch, 2, "neither XDG_CACHE_HOME nor HOME says where the cache is");
}

TEST_CASE_METHOD(Fixture, "weights: what is exported is a model to every command", "[app]") {
  const fs::path model = file("model.h5"), film = file("film.mkv");
  write_model(model, "resize");
  write_film(film, 2, [](int t) { return textured(144, 132, t); });
  const auto colored = [&](const fs::path& with) {
    const fs::path out = file(with.stem().string() + "_result.h5");
    const ProgramResult result = run_afterglow(
        {"colorize", film, "--model", with, "--device", "cpu", "--output", "paper", "--out", out});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    std::vector<float> frame(128 * 128 * 3);
    ResultFile(out).read_frame("film", 1, frame);
    return frame;
  };
  const std::vector<float> expected = colored(model);
  for (const auto& [format, name, kind] : {std::tuple{"keras", "k.h5", "keras model"},
                                           {"safetensors", "s.safetensors", "safetensors model"}}) {
    CAPTURE(format);
    const ProgramResult result =
        run_afterglow({"weights", "export", model, "--format", format, "--out", file(name)});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    const ProgramResult info = run_afterglow({"info", file(name), "--json"});
    REQUIRE(info.exit_code == 0);
    const auto json = nlohmann::json::parse(info.out);
    CHECK(json["kind"] == kind);
    CHECK(json["architecture"] == "alexnet");
    CHECK(json["fit"] == "resize");
    CHECK((colored(file(name)) == expected));
  }
  // What only other programs read says at least what it is.
  REQUIRE(run_afterglow({"weights", "export", model, "--format", "onnx", "--out", file("m.onnx")})
              .exit_code == 0);
  const std::string onnx = read_file(file("m.onnx"), 1 << 28, "an .onnx file");
  CHECK_THAT(onnx.substr(0, 200), Catch::Contains("afterglow"));
  CHECK(onnx.size() > 4 * 9'000'000);

  check_one_line(
      run_afterglow({"weights", "export", model, "--format", "tflite", "--out", file("m")}), 2,
      "--format");
  check_one_line(run_afterglow({"weights", "export", model, "--format", "keras", "--out", model}),
                 2, "model.h5");
  CHECK_FALSE(fs::exists(file("m")));
}

}  // namespace afterglow::test
