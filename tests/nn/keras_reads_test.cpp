// tf_keras reads our model files. Needs a Python with tf_keras and h5py: AFTERGLOW_PYTHON, else
// python3.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "kernels/backend.hpp"
#include "nn/checkpoint.hpp"
#include "support/golden_rule.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {

TEST_CASE("tf_keras reads a model file by name", "[peer]") {
  const char* named = std::getenv("AFTERGLOW_PYTHON");
  const std::string python = named == nullptr ? "python3" : named;
  if (test::run_to_end(python, {"-c", "import tf_keras, h5py"}).exit_code != 0) {
    std::cout << "SKIPPED: " << python << " has no tf_keras\n";
    return;
  }
  const Arch arch = GENERATE(Arch::kAlexnet, Arch::kVgg16);
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "m.h5").string();
  const auto model = make_model(make_cpu_backend(), {arch, Decoder::kUpsample}, 1);
  set_golden_weights(*model);
  const Adam adam(model->parameters(), {});
  save_model(path, *model, "crop", &adam);
  const test::ProgramResult result = test::run_to_end(
      python, {std::string(AFTERGLOW_TEST_DATA) + "/keras_reads.py", path, arch_name(arch)});
  INFO(result.err);
  CHECK(result.exit_code == 0);
}

}  // namespace afterglow
