// The backend on the software GPU: around every test, what only that sees.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include <catch2/catch.hpp>
#include <cstdlib>

#include "softgpu/softgpu.hpp"
#include "support/backend_under_test.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

/// Fails the test case in which the backend broke a rule that no exception tells of.
class Rules final : public Catch::TestEventListenerBase {
 public:
  using TestEventListenerBase::TestEventListenerBase;

  void testRunStarting(const Catch::TestRunInfo& info) override {
    TestEventListenerBase::testRunStarting(info);
    setenv("XDG_CACHE_HOME", cache_.path().c_str(), 1);  // not the user's
  }
  void testCaseStarting(const Catch::TestCaseInfo& info) override {
    TestEventListenerBase::testCaseStarting(info);
    softgpu::reset();
  }
  void sectionEnded(const Catch::SectionStats& stats) override {
    TestEventListenerBase::sectionEnded(stats);
    CHECK(softgpu::fault() == "");
    CHECK(softgpu::races().empty());
    CHECK(softgpu::broken_guards() == 0);
    CHECK(softgpu::implicit_syncs() == 0);
  }

 private:
  TemporaryFolder cache_;
};

CATCH_REGISTER_LISTENER(Rules)

}  // namespace

namespace test {

// The stand-in adds up as the definition does.
Tolerance convolution_tolerance(const Conv2dGeometry& /*g*/, Pass /*pass*/, std::size_t terms) {
  return sum_tolerance(terms);
}
Tolerance convolution_tolerance(const UpsampleConv2dGeometry& /*g*/, Pass /*pass*/,
                                std::size_t terms) {
  return sum_tolerance(terms);
}

}  // namespace test
}  // namespace afterglow
