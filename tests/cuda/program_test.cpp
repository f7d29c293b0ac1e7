// The program itself, with the plug-in for the software GPU in place of the card's.
#include <dlfcn.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;

struct Program {
  TemporaryFolder folder;

  Program() {
    setenv("AFTERGLOW_CUDA_PLUGIN", SOFT_PLUGIN, 1);
    setenv("LD_LIBRARY_PATH", SOFT_DRIVER_FOLDER, 1);
    setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  }
  ~Program() {
    unsetenv("AFTERGLOW_CUDA_PLUGIN");
    unsetenv("LD_LIBRARY_PATH");
    unsetenv("SOFTGPU_MACHINE");
  }

  std::string file(const std::string& name) const { return (folder.path() / name).string(); }

  std::string run(const std::vector<std::string>& arguments) const {
    test::RunningProgram program(AFTERGLOW_PROGRAM, arguments);
    const test::ProgramResult result = program.wait();
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result.out + result.err;
  }
};

}  // namespace

TEST_CASE_METHOD(Program, "the program says which devices it found", "[app]") {
  CHECK_THAT(run({"info", "--devices"}), Catch::Contains("cpu: ") && Catch::Contains("cuda:0: ") &&
                                             Catch::Contains("compute capability 9.0") &&
                                             !Catch::Contains("not usable"));
}

TEST_CASE_METHOD(Program, "why CUDA is not usable is said, and auto takes the CPU", "[app]") {
  std::string reason;
  SECTION("no driver") {
    unsetenv("LD_LIBRARY_PATH");
    if (dlopen("libcuda.so.1", RTLD_NOW) != nullptr) return;  // this machine has one
    reason = "there is no NVIDIA driver";
  }
  SECTION("no plug-in") {
    setenv("AFTERGLOW_CUDA_PLUGIN", file("none.so").c_str(), 1);
    reason = "this build has no CUDA plug-in";
  }
  SECTION("a library that cannot be loaded") {
    const std::string plugin = file("libafterglow_cuda.so");
    std::ofstream(plugin) << "no library";
    setenv("AFTERGLOW_CUDA_PLUGIN", plugin.c_str(), 1);
    reason = "the CUDA plug-in cannot be loaded: " + plugin;
  }
  SECTION("a plug-in of another version") {
    setenv("AFTERGLOW_CUDA_PLUGIN", ANOTHER_VERSION, 1);
    reason = "is of another version";
  }
  SECTION("a busy device") {
    setenv("SOFTGPU_MACHINE", "busy", 1);
    reason = "busy or unavailable";
  }
  SECTION("an old cuDNN") {
    setenv("SOFTGPU_MACHINE", "old cuDNN", 1);
    reason = "cuDNN 9.1.0 is older than";
  }
  CHECK_THAT(run({"info", "--devices"}),
             Catch::Contains("not usable: ") && Catch::Contains(reason));

  run({"synth", "--out", file("clips"), "--clips", "1", "--frames", "2", "--size", "128"});
  run({"prepare", "--truth", file("clips/color_1.mkv"), "--colorizer", "simulated", "--out",
       file("data.h5")});
  const auto train = [&](const std::string& device) {
    return test::RunningProgram(AFTERGLOW_PROGRAM,
                                {"train", "--data", file("data.h5"), "--arch", "alexnet", "--batch",
                                 "1", "--epochs", "1", "--device", device, "--out", file("run")})
        .wait();
  };
  const test::ProgramResult refused = train("cuda");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Catch::StartsWith("afterglow: --device cuda: ") &&
                              Catch::Contains(reason) && Catch::Contains("use --device cpu"));
  CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  const test::ProgramResult trained = train("auto");
  INFO(trained.err);
  CHECK(trained.exit_code == 0);
  CHECK_THAT(trained.err, Catch::Contains("cpu: ") && Catch::Contains(reason));
  // So does the film's command.
  test::RunningProgram colorize(
      AFTERGLOW_PROGRAM, {"colorize", file("clips/color_1.mkv"), "--model", file("run/model.h5"),
                          "--out", file("out.mkv")});
  CHECK_THAT(colorize.wait().err, Catch::Contains("cpu: ") && Catch::Contains(reason));
}

TEST_CASE_METHOD(Program, "the program trains and colours on the device", "[app][slow]") {
  run({"synth", "--out", file("clips"), "--clips", "1", "--frames", "2", "--size", "128"});
  run({"prepare", "--truth", file("clips/color_1.mkv"), "--colorizer", "simulated", "--max-frames",
       "1", "--out", file("data.h5")});
  // Frame by frame, so that colouring finds the plans that training has tried.
  const std::string said = run({"train", "--data", file("data.h5"), "--arch", "alexnet", "--batch",
                                "1", "--epochs", "1", "--device", "auto", "--out", file("run")});
  CHECK_THAT(said, Catch::Contains("cuda:0"));
  CHECK(fs::exists(file("run/model.h5")));
  for (const std::string device : {"cpu", "cuda"}) {
    run({"colorize", file("clips/colorized_1.mkv"), "--model", file("run/model.h5"), "--out",
         file(device + ".mkv"), "--device", device});
  }
  // Both films come from the same network, computed in another order: their 8-bit values differ by
  // roundings alone.
  const std::string scores = run({"evaluate", "--truth", file("cpu.mkv"), "--result",
                                  file("cuda.mkv"), "--json", file("scores.json")});
  INFO(scores);
  std::ifstream json(file("scores.json"));
  const auto psnr = nlohmann::json::parse(json)["clips"][0]["result"]["psnr"].get<double>();
  constexpr double kRoundingsAlone = 55;  // dB: one value in four is off by 1
  CHECK(psnr > kRoundingsAlone);
}

}  // namespace afterglow
