// Puts the table of wrong calls to the real libcudnn, which needs no card for descriptors, and says
// where the stand-in is the stricter one. Fails where the two differ in any other way than the
// table says. The argument: where libcudnn.so.9 is to be looked for beside the usual places.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "softgpu/cudnn_refusals.hpp"

namespace {

using cudnn_program::Api;
using cudnn_program::Case;
using cudnn_program::Real;

template <typename Function>
bool load(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

cudnnStatus_t status_of(const Api& api, const Case& wrong) {
  cudnn_program::Writer writer(api);
  wrong.write(writer);
  return writer.status();
}

/// In a child process, since some of the wrong calls crash the real library. False if so.
bool ask(const Api& api, const Case& wrong, cudnnStatus_t* status) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    const cudnnStatus_t answer = status_of(api, wrong);
    _exit(write(ends[1], &answer, sizeof answer) == sizeof answer ? 0 : 1);
  }
  close(ends[1]);
  const bool answered = read(ends[0], status, sizeof *status) == sizeof *status;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return answered;
}

Real judge(bool answered, cudnnStatus_t theirs, cudnnStatus_t ours) {
  if (!answered) return Real::kCrashes;
  if (theirs == ours) return Real::kRefuses;
  return theirs == CUDNN_STATUS_SUCCESS ? Real::kAccepts : Real::kOtherwise;
}

}  // namespace

int main(int argc, char** argv) {
  void* library = dlopen("libcudnn.so.9", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr && argc > 1) {
    library = dlopen((std::string(argv[1]) + "/libcudnn.so.9").c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (library == nullptr) {
    std::printf("SKIPPED: no libcudnn.so.9: %s\n", dlerror());
    return 0;
  }
  Api real{};
  if (!load(library, "cudnnBackendCreateDescriptor", &real.create) ||
      !load(library, "cudnnBackendDestroyDescriptor", &real.destroy) ||
      !load(library, "cudnnBackendSetAttribute", &real.set) ||
      !load(library, "cudnnBackendGetAttribute", &real.get) ||
      !load(library, "cudnnBackendFinalize", &real.finalize)) {
    std::printf("%s\n", dlerror());
    return 1;
  }
  const std::vector<Case> all = cudnn_program::cases();
  static_cast<void>(status_of(real, all.front()));  // loads what every child then has
  int asked = 0, stricter = 0, surprises = 0;
  for (const Case& wrong : all) {
    if (wrong.real == Real::kNeedsDevice) continue;
    ++asked;
    cudnnStatus_t theirs = CUDNN_STATUS_SUCCESS;
    const bool answered = ask(real, wrong, &theirs);
    const Real found = judge(answered, theirs, wrong.status);
    if (found == Real::kAccepts || found == Real::kCrashes) {
      ++stricter;
      std::printf("stricter: %s: %d here, the real library %s\n", wrong.name.c_str(), wrong.status,
                  found == Real::kAccepts ? "accepts it" : "crashes");
    }
    // What crashes goes well now and then: it reads memory that it should not.
    const bool expected =
        found == wrong.real || (wrong.real == Real::kCrashes && found == Real::kAccepts);
    if (!expected) {
      ++surprises;
      std::printf("SURPRISE: %s: %d here, %d there\n", wrong.name.c_str(), wrong.status, theirs);
    }
  }
  std::printf("%d cases asked of the real library, the stand-in is stricter in %d\n", asked,
              stricter);
  return surprises == 0 ? 0 : 1;
}
