// `afterglow compare`: what it trains, what it repeats, what it reports.
#include <signal.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "apps/browser.hpp"
#include "apps/fixtures.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"
#include "training_data.hpp"

namespace afterglow::test {
namespace {

using Strings = std::vector<std::string>;
using Json = nlohmann::ordered_json;

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// Pages are too long to be printed, as Catch's matchers would.
bool holds(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

/// The report without what differs between two calls.
Json lasting(Json report) {
  report.erase("made");
  for (Json& run : report["runs"]) run.erase("seconds");
  return report;
}

/// What is not closed in the order in which it was opened; empty for a page that is well formed.
std::string misplaced_tag(const std::string& page) {
  Strings open;
  std::size_t at = page.find('>') + 1;  // behind the document type
  while ((at = page.find('<', at)) != std::string::npos) {
    std::size_t end = at + 1;
    for (bool quoted = false; end < page.size() && (quoted || page[end] != '>'); ++end) {
      if (page[end] == '"') quoted = !quoted;
      if (page[end] == '<') return page.substr(at, 80);
    }
    if (end == page.size()) return page.substr(at, 80);
    const std::string tag = page.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" \n"));
    if (name.starts_with('/')) {
      if (open.empty() || open.back() != name.substr(1)) return name;
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(name);
    }
    at = end;
  }
  return open.empty() ? "" : open.back();
}

struct Fixture {
  TemporaryFolder folder;
  fs::path data = folder.path() / "data.h5";
  fs::path out = folder.path() / "report";

  Fixture() { write_waves(data, kSmallData); }

  Strings arguments(const Strings& more, const fs::path& report) const {
    Strings all{"compare", "--data", data, "--out", report, "--batch", "3"};
    if (std::find(more.begin(), more.end(), "--epochs") == more.end()) {
      all.insert(all.end(), {"--epochs", "2"});
    }
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  ProgramResult compare(const Strings& more) const { return run_afterglow(arguments(more, out)); }

  Json finished(const Strings& more) const {
    const ProgramResult result = compare(more);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return report();
  }

  Json report(const fs::path& from) const {
    return Json::parse(std::ifstream(from / "report.json"));
  }
  Json report() const { return report(out); }

  fs::path run_folder(const Json& report, const std::string& name) const {
    for (const Json& run : report["runs"]) {
      if (run["name"] == name) return out / run["folder"].get<std::string>();
    }
    throw std::runtime_error("no run " + name);
  }

  /// When each file below runs/ was written.
  std::map<fs::path, fs::file_time_type> times() const {
    std::map<fs::path, fs::file_time_type> found;
    for (const auto& entry : fs::recursive_directory_iterator(out / "runs")) {
      if (entry.is_regular_file()) found[entry.path()] = entry.last_write_time();
    }
    return found;
  }
};

const Strings kGrid{"--archs", "alexnet", "--betas", "1,0.8", "--seeds", "1,2"};

Strings with(Strings options, const Strings& more) {
  options.insert(options.end(), more.begin(), more.end());
  return options;
}

/// Checks the numbers of a report against those of its runs.
void check_report(const Fixture& fixture, const Json& report) {
  REQUIRE(report["runs"].size() == 4);
  REQUIRE(report["configurations"].size() == 2);
  CHECK(report["data"]["held_out"] == "val");
  std::map<std::string, double> psnr;
  for (const Json& run : report["runs"]) {
    CHECK(run["state"] == "done");
    CHECK(run["steps"] == 8);
    CHECK(run["identity"].get<std::string>().size() == 64);
    const fs::path folder = fixture.run_folder(report, run["name"]);
    const Json scores = Json::parse(std::ifstream(folder / "scores.json"));
    CHECK(run["scores"]["own"]["mean"] == scores["mean"]["result"]);
    for (const auto& [key, value] : report["references"]["gray"].items()) {
      if (value.is_number()) CHECK(value == scores["mean"]["gray"][key]);
    }
    psnr[run["name"]] = scores["mean"]["result"]["psnr"];
  }
  CHECK(report["references"].contains("truth"));
  CHECK(report["references"].contains("baseline"));
  const Json& configuration = report["configurations"][1];
  CHECK(configuration["name"] == "alexnet-beta0.8");
  const double first = psnr.at("alexnet-beta0.8-seed1"), second = psnr.at("alexnet-beta0.8-seed2");
  CHECK(first != second);
  CHECK(configuration["metrics"]["psnr"]["mean"].get<double>() == Approx((first + second) / 2));
  CHECK(configuration["metrics"]["psnr"]["low"] == std::min(first, second));
  CHECK(configuration["metrics"]["psnr"]["high"] == std::max(first, second));
  CHECK(configuration["metrics"]["psnr"]["n"] == 2);

  // Networks as fresh as these are pale, and say so.
  for (const Json& row : report["configurations"]) {
    const double share = row["metrics"]["colorfulness"]["low"].get<double>() /
                         report["references"]["truth"]["colorfulness"].get<double>();
    const std::string marks = row["marks"].dump();
    CHECK((marks.find("colourfulness") != std::string::npos) == (share < 0.8));
    if (!row["marks"].empty()) CHECK(row["pareto"] == false);
  }
  CHECK(report["references"]["gray"]["marks"][0] == "colourfulness 0 % of the truth's");
}

void check_curves(const Fixture& fixture, const Json& report) {
  std::istringstream lines(bytes_of(fixture.out / "curves.csv"));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "run,epoch,step,loss,fidelity,temporal");
  std::size_t count = 0;
  for (const Json& run : report["runs"]) {
    for (const auto& step : log_steps(fixture.run_folder(report, run["name"]))) {
      REQUIRE(std::getline(lines, line));
      std::istringstream fields(line);
      Strings values;
      for (std::string field; std::getline(fields, field, ',');) values.push_back(field);
      REQUIRE(values.size() == 6);
      CHECK(values[0] == run["name"]);
      CHECK(values[1] == step["epoch"].dump());
      CHECK(values[2] == step["step"].dump());
      CHECK(std::stod(values[3]) == Approx(step["loss"].get<double>()));
      CHECK(std::stod(values[5]) == Approx(step["temporal"].get<double>()));
      ++count;
    }
  }
  CHECK(count == 32);
}

void check_page(const fs::path& path) {
  const std::string page = bytes_of(path);
  CHECK(misplaced_tag(page).empty());
  CHECK(count_of(page, "<svg ") == 2);  // losses, and the front
  // Truth, gray, input and two networks, each in four frames, as a strip and as a film.
  CHECK(count_of(page, "<img ") == 30);
  CHECK(count_of(page, "src=\"data:image/png;base64,iVBORw0KGgo") == 25);
  CHECK(count_of(page, "src=\"data:image/jpeg;base64,/9j/") == 5);
  CHECK(count_of(page, "src=") == 30);
  for (const char* outside : {" href=", "url(", "@import", "<link", "https:", "fetch("}) {
    INFO(outside);
    CHECK_FALSE(holds(page, outside));
  }
  CHECK(count_of(page, "http:") == count_of(page, "xmlns=\"http://www.w3.org/2000/svg\""));
  for (const char* part : {"AlexNet, β = 0.8", "epoch (passes", "training loss (0–255, squared)",
                           "prefers-color-scheme: dark", "@media print", "†", "PSNR"}) {
    INFO(part);
    CHECK(holds(page, part));
  }
  for (std::size_t at = page.find("<svg "); at != std::string::npos;
       at = page.find("<svg ", at + 1)) {
    const std::string chart = page.substr(at, page.find("</svg>", at) - at);
    CHECK_FALSE((holds(chart, "nan") || holds(chart, "inf")));
  }
}

void check_figures(const fs::path& folder) {
  CHECK(names_in(folder) == Strings{"frames.png", "front.svg", "loss.svg", "strips.png"});
  for (const char* name : {"front.svg", "loss.svg"}) {
    const std::string svg = bytes_of(folder / name);
    CHECK_THAT(svg, Catch::StartsWith("<svg ") && Catch::EndsWith("</svg>\n"));
    CHECK(holds(svg, "<style>"));
  }
  const Picture frames = read_picture(folder / "frames.png");
  const Picture strips = read_picture(folder / "strips.png");
  CHECK(frames.height > 5 * 128);
  CHECK(strips.height > 5 * 128);
  CHECK(frames.width > strips.width);  // four frames beside four columns
}

std::size_t colours_of(const Picture& picture) {
  std::set<std::array<std::uint8_t, 3>> colours;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    colours.insert({picture.rgb[i], picture.rgb[i + 1], picture.rgb[i + 2]});
  }
  return colours.size();
}

/// Moves the slider, plays, points at a chart and clicks on a label; `seen` says what came of it.
constexpr const char* kVisitor = R"js(
const seen = [];
const player = document.querySelector('.player'), slider = player.querySelector('input');
const film = player.querySelector('.film'), picture = film.querySelector('img');
const place = () => Math.round((film.getBoundingClientRect().left -
                                picture.getBoundingClientRect().left) / film.clientWidth);
seen.push('shown ' + !player.hidden, 'place ' + place());
slider.value = 2;
slider.dispatchEvent(new Event('input'));
seen.push('place ' + place(), player.querySelector('output').textContent);
const chart = document.querySelector('svg.chart'), line = chart.querySelector('polyline');
const label = chart.querySelector('text[data-series]'), box = chart.getBoundingClientRect();
const name = label.textContent, first = line.points[0].matrixTransform(chart.getScreenCTM());
chart.dispatchEvent(new PointerEvent('pointermove', {clientX: first.x, clientY: box.top + 20}));
seen.push('value ' + label.textContent.replace(name + ': ', ''));
chart.dispatchEvent(new PointerEvent('pointerleave'));
seen.push('name ' + (label.textContent === name));
label.dispatchEvent(new MouseEvent('click'));
seen.push('off ' + chart.querySelectorAll('.off').length);
player.querySelector('button').click();
setTimeout(() => {
  seen.push('playing ' + (slider.value !== '2'));
  document.body.append('SEEN ' + seen.join('; ') + ' END');
}, 100);
)js";

}  // namespace

TEST_CASE_METHOD(Fixture, "compare: reports, repeats nothing, and trains what changed", "[app]") {
  const Json first = finished(kGrid);
  check_report(*this, first);
  check_curves(*this, first);
  check_page(out / "index.html");
  check_figures(out / "figures");

  const auto before = times();
  CHECK(lasting(finished(kGrid)) == lasting(first));
  CHECK((times() == before));

  const ProgramResult again =
      run_afterglow({"compare", "--config", out / "config.toml", "--dry-run"});
  CHECK_THAT(again.out, Catch::Contains("4 runs, 32 steps; 0 runs with 0 steps to go\n"));

  const Json changed = finished({"--archs", "alexnet", "--betas", "1,0.5", "--seeds", "1"});
  REQUIRE(changed["runs"].size() == 2);
  CHECK(changed["runs"][0].dump() == first["runs"][0].dump());
  auto after = times();
  const std::string fresh = run_folder(changed, "alexnet-beta0.5-seed1");
  std::erase_if(after, [&](const auto& entry) { return entry.first.parent_path() == fresh; });
  CHECK((after == before));

  // The content of the data counts, all of it, and nothing of its name.
  const Strings dry{"--archs", "alexnet", "--betas", "1", "--seeds", "1", "--dry-run"};
  CHECK_THAT(compare(dry).out, Catch::StartsWith("alexnet-beta1-seed1: done, step 8 of 8\n"));
  fs::rename(data, folder.path() / "moved.h5");
  data = folder.path() / "moved.h5";
  CHECK_THAT(compare(dry).out, Catch::StartsWith("alexnet-beta1-seed1: done"));
  DatasetWriter writer(data, {});
  for (const auto& [id, frames, split] : kSmallData) {
    const double phase = id == "a" ? 0 : id == "b" ? 1 : 2;
    writer.begin_clip(id, 25, id + ".mkv", split);
    for (int t = 0; t < frames; ++t) {
      Picture truth = wave(phase, t, 1);
      if (id == "v" && t == 1) truth.rgb[0] ^= 1;
      writer.add_frame(wave(phase + 0.1 * (t % 2), t, 0.5), truth);
    }
  }
  writer.commit();
  CHECK_THAT(compare(dry).out, Catch::StartsWith("alexnet-beta1-seed1: waiting, step 0 of 8\n"));
}

TEST_CASE_METHOD(Fixture, "compare: it says beforehand about how long, and leaves nothing of that",
                 "[app]") {
  const ProgramResult result = compare(with(kGrid, {"--dry-run"}));
  INFO(result.err);
  CHECK(result.exit_code == 0);
  CHECK_THAT(result.out, Catch::Contains("4 runs, 32 steps; 4 runs with 32 steps to go, about ") &&
                             Catch::EndsWith(" on this machine, training alone\n"));
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE_METHOD(Fixture, "compare: a run that diverges has its row, and the others go on",
                 "[app]") {
  const fs::path plan = folder.path() / "plan.toml";
  write_text(plan,
             "arch = \"alexnet\"\nseeds = [1]\n[explodes]\nlr = 1000\ndeparts = \"a rate that is "
             "<too> high\"\n[learns]\nbeta = 1\n");
  for (int call = 0; call < 2; ++call) {
    const ProgramResult result = compare({"--plan", plan});
    INFO(result.err);
    CHECK(result.exit_code == 1);
    CHECK_THAT(result.err, Catch::Contains("1 of 2 runs diverged or failed\n"));
    const Json found = report();
    CHECK(found["runs"][0]["state"] == "diverged");
    CHECK_THAT(found["runs"][0]["message"].get<std::string>(),
               Catch::StartsWith("training: ") && Catch::Contains("not a number"));
    CHECK(found["runs"][1]["state"] == "done");
    CHECK(found["configurations"][0]["scored"] == 0);
    CHECK(found["configurations"][1]["scored"] == 1);
    // It would diverge again: the second call does not try.
    CHECK((result.err.find("explodes-seed1: training") != std::string::npos) == (call == 0));
  }
  const std::string page = bytes_of(out / "index.html");
  CHECK(misplaced_tag(page).empty());
  CHECK(holds(page, "explodes-seed1: diverged"));
  CHECK(holds(page, "a rate that is &lt;too&gt; high"));
}

TEST_CASE_METHOD(Fixture, "compare: bad input is refused with one line and leaves nothing",
                 "[app]") {
  const auto file = [this](const std::string& name, const std::string& text) {
    write_text(folder.path() / name, text);
    return (folder.path() / name).string();
  };
  write_waves(folder.path() / "all_train.h5", {{"a", 2, Split::kTrain}});
  write_waves(folder.path() / "none_train.h5", {{"a", 2, Split::kTest}});
  const std::string no_plan = (folder.path() / "none.toml").string();
  // Options, and what the line must name.
  const std::vector<std::pair<Strings, std::string>> table{
      {{"--archs", "lenet"}, "lenet"},
      {{"--betas", "0.5,2"}, "--beta"},
      {{"--betas", "x"}, "--betas"},
      {{"--seeds", "1,1"}, "--seeds"},
      {{"--seeds", "-1"}, "--seeds"},
      {{"--epochs", "0"}, "--epochs"},
      {{"--batch", "0"}, "--batch"},
      {{"--jobs", "0"}, "--jobs"},
      {{"--budget", "-1"}, "--budget"},
      {{"--ablate", "everything"}, "--ablate"},
      {{"--ablate", "motion"}, "has no flow, which --temporal masked needs"},
      {{"--vgg16-partial"}, "--vgg16-partial"},
      {{"--vgg16-weights", no_plan}, no_plan},
      {{"--plan", no_plan}, no_plan},
      {{"--plan", folder.path()}, folder.path()},
      {{"--plan", file("a.toml", "arch = \"alexnet\"\n")}, "a.toml"},
      {{"--plan", file("b.toml", "[a]\nbeta = 1\n")}, "--arch"},
      {{"--plan", file("c.toml", "[a]\narch = \"alexnet\"\nseeds = [x]\n")}, "seeds"},
      {{"--plan", file("d.toml", "[a/b]\narch = \"alexnet\"\n")}, "a/b"},
      {{"--plan", file("e.toml", "[a]\narch = \"alexnet\"\nbeat = 1\n")}, "beat"},
      {{"--plan", file("f.toml", "[a]\narch = \"alexnet\"\ncolorize-previous = \"x\"\n")},
       "previous"},
      {{"--plan", file("g.toml", "[a]\narch = \"alexnet\"\n"), "--betas", "1"}, "--plan"},
      {{"--data", folder.path() / "all_train.h5"}, "all_train.h5"},
      {{"--data", folder.path() / "none_train.h5"}, "none_train.h5"},
      {{"--data", file("text.h5", "no dataset")}, "text.h5"},
      {{"--out", file("file", "")}, "file"},
      {{"--out", folder.path()}, folder.path()},
  };
  for (const auto& [options, named] : table) {
    Strings all = arguments({}, out);
    for (std::size_t i = 0; i + 1 < options.size(); i += 2) {  // instead of the usual
      const auto given = std::find(all.begin(), all.end(), options[i]);
      if (given != all.end()) all.erase(given, given + 2);
    }
    all.insert(all.end(), options.begin(), options.end());
    const ProgramResult result = run_afterglow(all);
    INFO(options.back() << ": " << result.err);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Catch::StartsWith("afterglow: ") && Catch::Contains(named));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
    CHECK_FALSE(fs::exists(out));
  }
}

TEST_CASE_METHOD(Fixture, "compare: killed and interrupted, it ends with the same numbers",
                 "[app][slow]") {
  const fs::path whole = folder.path() / "whole";
  {
    const ProgramResult result = run_afterglow(arguments(kGrid, whole));
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
  }
  const Strings parallel = with(kGrid, {"--jobs", "2"});
  const auto steps = [this] {
    std::size_t count = 0;
    std::error_code missing;
    for (const auto& entry : fs::recursive_directory_iterator(out / "runs", missing)) {
      if (entry.path().filename() == "log.jsonl") count += count_of(bytes_of(entry.path()), "\n");
    }
    return count;
  };
  int stopped = 0;
  for (std::size_t wanted = 3; wanted < 32; wanted += 7) {
    const bool kill = stopped % 2 == 0;
    RunningProgram program(AFTERGLOW_PROGRAM, arguments(parallel, out));
    while (program.running() && steps() < wanted) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    program.send(kill ? SIGKILL : SIGINT);
    const ProgramResult result = program.wait();
    INFO(result.err);
    if (result.exit_code == 0) break;
    ++stopped;
    CHECK((kill ? result.signal == SIGKILL : result.exit_code == 130));
    // Nobody goes on behind a parent that is gone.
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    const std::size_t left = steps();
    std::this_thread::sleep_for(std::chrono::milliseconds(700));
    CHECK(steps() == left);
  }
  CHECK(stopped >= 2);
  CHECK(lasting(finished(parallel)) == lasting(report(whole)));
  for (const Json& run : report()["runs"]) {
    check_same_runs(run_folder(report(), run["name"]), whole / run["folder"].get<std::string>());
  }
  CHECK(bytes_of(out / "curves.csv") == bytes_of(whole / "curves.csv"));
}

TEST_CASE_METHOD(Fixture, "compare: the page works in a browser, and has nothing to complain of",
                 "[app][slow]") {
  const std::optional<Browser> browser = Browser::find(folder.path() / "profile");
  if (!browser) return;
  finished(kGrid);
  const std::string page = bytes_of(out / "index.html");
  CHECK(browser->open(out / "index.html").messages.empty());

  const auto with_script = [&](const std::string& script) {
    const fs::path changed = folder.path() / "changed.html";
    write_text(changed, page + "<script>" + script + "</script>\n");
    return browser->open(changed);
  };
  CHECK(holds(with_script("throw new Error('planted')").messages, "planted"));

  const Browser::Opened visited = with_script(kVisitor);
  CHECK(visited.messages.empty());
  const std::size_t begin = visited.page.rfind("SEEN ");
  REQUIRE(begin != std::string::npos);
  const std::string seen = visited.page.substr(begin, visited.page.find(" END", begin) - begin);
  const std::string values = page.substr(page.find("data-values=\"") + 13, 40);
  CHECK(seen == "SEEN shown true; place 0; place 2; frame 2; value " +
                    values.substr(0, values.find(' ')) + "; name true; off 3; playing true");

  for (const bool dark : {false, true}) {
    CAPTURE(dark);
    const Picture shown = browser->screenshot(out / "index.html", dark);
    CHECK(shown.width == 1280);
    CHECK((shown.rgb.front() < 64) == dark);
    CHECK((shown.rgb.front() > 192) == !dark);
    CHECK(colours_of(shown) > 1000);  // text and charts alone have less
  }
  const fs::path pdf = folder.path() / "page.pdf";
  browser->print(out / "index.html", pdf);
  const std::string printed = bytes_of(pdf);
  CHECK_THAT(printed.substr(0, 5), Catch::Equals("%PDF-"));
  CHECK(count_of(printed, "/Subtype /Image") >= 25);
}

TEST_CASE_METHOD(Fixture, "compare: two calls do not work in one folder", "[app][slow]") {
  RunningProgram program(AFTERGLOW_PROGRAM, arguments(with(kGrid, {"--epochs", "1000"}), out));
  while (program.running() && !fs::exists(out / "runs")) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const ProgramResult second = compare(kGrid);
  CHECK(second.exit_code == 2);
  CHECK_THAT(second.err, Catch::Contains("another afterglow compare"));
}

TEST_CASE_METHOD(Fixture, "compare: after --budget it says what is left", "[app][slow]") {
  const ProgramResult result = compare(with(kGrid, {"--budget", "0.0001"}));  // 6 ms
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Catch::Contains("are not done in --budget"));
  CHECK(holds(bytes_of(out / "index.html"), "Runs that are not done"));
  CHECK(finished(kGrid)["configurations"][1]["scored"] == 2);
}

TEST_CASE_METHOD(Fixture, "compare: temporal terms that follow the motion are rows of their own",
                 "[app][slow]") {
  const Strings grid{"--archs", "alexnet", "--betas", "0.8", "--seeds", "1", "--epochs", "1"};
  const Json before = finished(grid);
  write_waves(data, kSmallData, true);
  const Json found = finished(with(grid, {"--ablate", "motion"}));
  REQUIRE(found["configurations"].size() == 3);
  CHECK(found["runs"].size() == 3);
  for (const char* name : {"alexnet-beta0.8-temporal-masked", "alexnet-beta0.8-temporal-warped"}) {
    const auto row =
        std::find_if(found["configurations"].begin(), found["configurations"].end(),
                     [name](const Json& configuration) { return configuration["name"] == name; });
    REQUIRE(row != found["configurations"].end());
    CHECK((*row)["departs"] != "");
    CHECK((*row)["scored"] == 1);
  }
  // What does not follow the flow is the same with it and without, and is not trained again.
  CHECK(found["runs"][0]["identity"] == before["runs"][0]["identity"]);
}

TEST_CASE_METHOD(Fixture, "compare: the paper's departures are rows of their own", "[app][slow]") {
  const Json found = finished({"--archs", "alexnet", "--betas", "0.8", "--seeds", "1", "--epochs",
                               "1", "--ablate", "paper-code"});
  REQUIRE(found["configurations"].size() == 7);
  CHECK(found["runs"].size() == 5);  // inference alone needs no training
  std::set<double> psnr;
  for (const Json& row : found["configurations"]) {
    INFO(row["name"]);
    CHECK(row["scored"] == 1);
    CHECK((row["departs"] == "") == (row["name"] == "alexnet-beta0.8"));
    psnr.insert(row["metrics"]["psnr"]["mean"].get<double>());
  }
  // A network that never reaches 255 has nothing to wrap.
  CHECK(psnr.size() >= 6);
  const std::string page = bytes_of(out / "index.html");
  CHECK(misplaced_tag(page).empty());
  CHECK(holds(page, "AlexNet, β = 0.8, corner loss"));
}

}  // namespace afterglow::test
