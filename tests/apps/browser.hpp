// Pages in Chromium: what they say, how they look, how they print.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "data/picture.hpp"
#include "support/run_program.hpp"

namespace afterglow::test {

class Browser {
 public:
  /// A page as it stands after its scripts have run, and what they have said to the console, errors
  /// too.
  struct Opened {
    std::string page;
    std::string messages;
  };

  /// The browser that AFTERGLOW_BROWSER names, which then must be there; else any Chromium.
  /// Nothing, and a line on standard output, where there is none. profile: a folder of its own.
  static std::optional<Browser> find(const std::filesystem::path& profile) {
    const char* const named = std::getenv("AFTERGLOW_BROWSER");
    std::vector<std::string> names{"chromium", "chromium-browser", "google-chrome"};
    if (named != nullptr) names = {named};
    for (const std::string& name : names) {
      if (run_to_end(name, {"--version"}).exit_code == 0) return Browser(name, profile);
    }
    if (named != nullptr) FAIL("AFTERGLOW_BROWSER names '" << named << "', which does not run");
    std::cout << "SKIPPED: no Chromium here (AFTERGLOW_BROWSER names one)\n";
    return std::nullopt;
  }

  Opened open(const std::filesystem::path& page) const {
    const ProgramResult result =
        run(page, {"--enable-logging=stderr", "--virtual-time-budget=3000", "--dump-dom"});
    Opened opened{result.out, {}};
    std::istringstream lines(result.err);
    for (std::string line; std::getline(lines, line);) {
      if (line.find("CONSOLE") != std::string::npos) opened.messages += line + '\n';
    }
    return opened;
  }

  Picture screenshot(const std::filesystem::path& page, bool dark) const {
    const std::filesystem::path picture = profile_ / (dark ? "dark.png" : "light.png");
    run(page, {std::string("--blink-settings=preferredColorScheme=") + (dark ? "0" : "1"),
               "--hide-scrollbars", "--screenshot=" + picture.string()});
    return read_picture(picture);
  }

  void print(const std::filesystem::path& page, const std::filesystem::path& pdf) const {
    run(page, {"--no-pdf-header-footer", "--print-to-pdf=" + pdf.string()});
  }

 private:
  Browser(std::string name, std::filesystem::path profile)
      : name_(std::move(name)), profile_(std::move(profile)) {}

  ProgramResult run(const std::filesystem::path& page, const std::vector<std::string>& more) const {
    std::vector<std::string> arguments{"--headless",
                                       "--no-sandbox",
                                       "--disable-gpu",
                                       "--disable-dev-shm-usage",
                                       "--window-size=1280,2000",
                                       "--user-data-dir=" + profile_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("file://" + page.string());
    ProgramResult result = run_to_end(name_, arguments);
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result;
  }

  std::string name_;
  std::filesystem::path profile_;
};

}  // namespace afterglow::test
