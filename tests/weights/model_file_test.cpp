#include "weights/model_file.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"
#include "base/hdf5.hpp"
#include "base/output_file.hpp"
#include "kernels/backend.hpp"
#include "support/temporary_folder.hpp"
#include "weights/safetensors.hpp"

namespace afterglow {

TEST_CASE("an HDF5 file that is no model is refused before it is read any further") {
  const std::string format = GENERATE("", "afterglow dataset", "something else");
  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "f.h5";
  {
    hdf5::File file = hdf5::File::create(path);
    if (!format.empty()) file.write_attribute(".", "format", format);
  }
  CHECK(model_form(path) == ModelForm::kNone);
  const auto backend = make_cpu_backend();
  const auto model = make_model(backend, {}, 1);
  const auto said = Catch::Contains("f.h5: is neither a model of afterglow nor a whole Keras");
  CHECK_THROWS_WITH(load_any_model(path, backend), said);
  CHECK_THROWS_WITH(load_any_weights(path, *model), said);
}

TEST_CASE("a .safetensors file is known by its content, and by its name when it is damaged") {
  const TemporaryFolder folder;
  const auto written = [&](const std::string& name, const std::string& bytes) {
    write_text_file(folder.path() / name, bytes);
    return folder.path() / name;
  };
  const std::string bytes = safetensors_bytes({});
  CHECK(model_form(written("renamed.bin", bytes)) == ModelForm::kSafetensors);
  CHECK_THROWS_WITH(
      load_any_model(written("cut.safetensors", bytes.substr(0, 12)), make_cpu_backend()),
      Catch::Contains("ends too early"));
  CHECK_THROWS_WITH(model_form(written("cut.bin", bytes.substr(0, 12))),
                    Catch::Contains("not an HDF5 file"));
}

}  // namespace afterglow
