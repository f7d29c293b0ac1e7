// What a comparison consists of.
#include "apps/comparison_plan.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <set>

namespace afterglow {
namespace {

using Seeds = std::vector<std::uint64_t>;

std::map<std::string, Seeds> seeds_by_name(const ComparisonOptions& options) {
  std::map<std::string, Seeds> found;
  for (const Configuration& row : make_plan(options)) found[row.name] = row.seeds;
  return found;
}

ComparisonOptions asked_for(const std::vector<std::string>& ablations) {
  ComparisonOptions options;
  options.seeds = {4, 5};
  options.ablate = ablations;
  return options;
}

}  // namespace

TEST_CASE("a comparison is the paper's three configurations where nothing is said") {
  CHECK(seeds_by_name(asked_for({})) == std::map<std::string, Seeds>{{"alexnet-beta0.8", {4, 5}},
                                                                     {"vgg16-beta0.8", {4, 5}},
                                                                     {"vgg16-beta1", {4, 5}}});
}

TEST_CASE("betas ablated are AlexNet over beta with the first seed, beside the grid") {
  const std::vector<Configuration> plan = make_plan(asked_for({"betas"}));
  REQUIRE(plan.size() == 3 + 5);
  std::set<double> betas;
  for (const Configuration& row : plan) {
    const TrainOptions options = training_options(row, row.seeds.front());
    if (options.arch == "alexnet") betas.insert(options.beta);
    CHECK(row.departs.empty());
    CHECK(row.inference == Inference{});
  }
  CHECK(betas == std::set<double>{0, 0.2, 0.4, 0.6, 0.8, 1});
  const auto seeds = seeds_by_name(asked_for({"betas"}));
  CHECK(seeds.at("alexnet-beta0.8") == Seeds{4, 5});
  CHECK(seeds.at("alexnet-beta0") == Seeds{4});
  CHECK(seeds.at("alexnet-beta1") == Seeds{4});

  // They are the trainings that a grid of these betas has.
  ComparisonOptions grid = asked_for({});
  grid.archs = {"alexnet"};
  grid.betas = {0.2};
  CHECK(make_plan(grid).front().train == plan[4].train);
}

TEST_CASE("betas ablated leave a grid's own rows as they are") {
  ComparisonOptions options = asked_for({"paper-code", "betas"});
  options.archs = {"alexnet"};
  options.betas = {1};
  const auto seeds = seeds_by_name(options);
  CHECK(seeds.size() == 6 + 6);  // betas, departures
  CHECK(seeds.at("alexnet-beta1") == Seeds{4, 5});
  CHECK(seeds.at("alexnet-beta0.6") == Seeds{4});
  CHECK(seeds.at("alexnet-beta0.8-deconv") == Seeds{4});
}

}  // namespace afterglow
