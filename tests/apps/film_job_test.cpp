// Long films through the program: killed, they go on; the result is that of one run.
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>

#include "apps/fixtures.hpp"
#include "data/colour.hpp"
#include "data/film_maker.hpp"
#include "data/film_place.hpp"
#include "data/film_set_maker.hpp"
#include "support/ffmpeg.hpp"
#include "support/file_bytes.hpp"
#include "support/run_program.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow::test {
namespace {

using Catch::Contains;
using Strings = std::vector<std::string>;

constexpr int kFrames = 560, kCut = 60;  // parts of 60, 240, 240 and 20 frames

/// Blocks of colour that move slowly.
Picture mosaic(int t) {
  static const Picture blocks = random_picture(40, 6, 3);
  Picture picture(64, 48);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      const int block = y / 8 * 40 + (x + t / 4) / 8 % 40;
      std::copy_n(&blocks.rgb[std::size_t(3 * block)], 3,
                  &picture.rgb[std::size_t(3 * (y * 64 + x))]);
    }
  }
  return picture;
}

void write_long_film(const fs::path& path) {
  write_film(path, kFrames, [](int t) { return t < kCut ? moving_waves(64, 48, t) : mosaic(t); });
}

std::size_t parts_in(const fs::path& folder) {
  std::size_t parts = 0;
  std::error_code gone;
  for (fs::directory_iterator entry(folder, gone), end; !gone && entry != end;
       entry.increment(gone)) {
    const std::string name = entry->path().filename();
    if (name.starts_with("part-") && name.ends_with(".json")) ++parts;
  }
  return parts;
}

}  // namespace

TEST_CASE("colorize: killed six times, it ends with the same film", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_long_film(file("in.mkv"));
  const auto arguments = [&](const char* out, const Strings& more = {}) {
    Strings all{"colorize", file("in.mkv"), "--out", file(out), "--codec", "lossless"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const ProgramResult once = run_afterglow(arguments("once.mkv"));
  INFO(once.err);
  REQUIRE(once.exit_code == 0);
  CHECK_THAT(once.err, Contains("once.mkv: will take ") && Contains(" while it is made\n"));
  CHECK_FALSE(fs::exists(file("once.mkv.parts")));

  const fs::path parts = file("again.mkv.parts");
  {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments("again.mkv"));
    while (program.running() && !fs::exists(parts / ".part-00000.part.nut")) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
    CHECK(fs::exists(parts / "job.txt"));
  }
  std::size_t found = 0;
  for (int killed = 0; killed < 5; ++killed) {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments("again.mkv"));
    // Two of the kills come right behind a new part, the others while the program starts.
    const std::size_t wanted = std::min<std::size_t>(found + 1, 2);
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (program.running() && parts_in(parts) < wanted &&
           std::chrono::steady_clock::now() < patience) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (killed >= 2) std::this_thread::sleep_for(std::chrono::milliseconds(20 * killed));
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
    found = parts_in(parts);
    CHECK(found >= wanted);
    CHECK_FALSE(fs::exists(file("again.mkv")));
  }
  for (const Strings& more : {Strings{"--strength", "0.5"}, Strings{"--side-by-side"},
                              Strings{"--conv-algo", "direct"}}) {
    const ProgramResult other = run_afterglow(arguments("again.mkv", more));
    INFO(more.front());
    CHECK(other.exit_code == 2);
    CHECK_THAT(other.err, Contains("again.mkv.parts") && Contains("other options"));
  }

  const ProgramResult last = run_afterglow(arguments("again.mkv"));
  INFO(last.err);
  REQUIRE(last.exit_code == 0);
  CHECK_THAT(last.err, Contains("going on behind frame"));
  CHECK_FALSE(fs::exists(parts));
  CHECK(bytes_of(file("again.mkv")) == bytes_of(file("once.mkv")));

  // A folder that is somebody else's stays, and is not written to.
  fs::create_directories(file("mine.mkv.parts"));
  std::ofstream(file("mine.mkv.parts") / "letter.txt") << "dear";
  CHECK(run_afterglow(arguments("mine.mkv")).exit_code == 2);
  CHECK(bytes_of(file("mine.mkv.parts") / "letter.txt") == "dear");

  // All frames are done, but something came to be where the film goes.
  {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments("late.mkv"));
    while (program.running() && parts_in(file("late.mkv.parts")) < 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::ofstream(file("late.mkv")) << "mine";
    const ProgramResult refused = program.wait();
    CHECK(refused.exit_code == 2);
    CHECK_THAT(refused.err, Contains("late.mkv: is there, and not as a job of colorize left it"));
  }
  CHECK(bytes_of(file("late.mkv")) == "mine");
  CHECK(load_place(file("late.mkv.parts") / "place-560.h5").scenes == 2);
  CHECK(parts_in(file("late.mkv.parts")) == 4);
  CHECK(run_afterglow(arguments("late.mkv")).exit_code == 2);
  fs::remove(file("late.mkv"));
  const ProgramResult late = run_afterglow(arguments("late.mkv"));
  INFO(late.err);
  REQUIRE(late.exit_code == 0);
  CHECK_THAT(late.err, Contains("going on behind frame 559"));
  CHECK(bytes_of(file("late.mkv")) == bytes_of(file("once.mkv")));
}

TEST_CASE("colorize: killed, a film through one of the paper's networks ends the same", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  constexpr int kFew = 350;  // parts of 60, 240 and 50 frames
  write_film(file("in.mkv"), kFew,
             [](int t) { return t < kCut ? moving_waves(64, 48, t) : mosaic(t); });
  write_film(file("truth.mkv"), kFew, [](int t) { return mosaic(2 * t); });
  write_model(file("model.h5"));
  const auto arguments = [&](const char* out) {
    return Strings{"colorize",   file("in.mkv"), "--model", file("model.h5"),
                   "--previous", "truth",        "--truth", file("truth.mkv"),
                   "--out",      file(out),      "--codec", "lossless"};
  };
  const ProgramResult once = run_afterglow(arguments("once.mkv"));
  INFO(once.err);
  REQUIRE(once.exit_code == 0);
  {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments("again.mkv"));
    while (program.running() && parts_in(file("again.mkv.parts")) < 2) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
  }
  Strings wrapping = arguments("again.mkv");
  wrapping.push_back("--wrap");
  CHECK_THAT(run_afterglow(wrapping).err, Contains("other options"));
  const ProgramResult last = run_afterglow(arguments("again.mkv"));
  INFO(last.err);
  REQUIRE(last.exit_code == 0);
  CHECK_THAT(last.err, Contains("going on behind frame 299\n"));
  CHECK_FALSE(fs::exists(file("again.mkv.parts")));
  CHECK(bytes_of(file("again.mkv")) == bytes_of(file("once.mkv")));
  CHECK_THAT(run_afterglow(arguments("again.mkv")).err, Contains("again.mkv: is made already"));
}

TEST_CASE("colorize: killed in the second of two films, it does not make the first again",
          "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_long_film(file("a.mkv"));
  fs::copy_file(file("a.mkv"), file("b.mkv"));
  const Strings arguments{"colorize",    file("a.mkv"), file("b.mkv"), "--out",
                          file("films"), "--codec",     "lossless"};
  const fs::path first = file("films") / "a.mkv", second = file("films") / "b.mkv";
  {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments);
    while (program.running() && parts_in(second.string() + ".parts") < 1) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
  }
  REQUIRE(fs::exists(first));
  CHECK_FALSE(fs::exists(second));
  const auto made = fs::last_write_time(first);
  const std::string passed_over = first.string() + ": is made already";
  const ProgramResult again = run_afterglow(arguments);
  INFO(again.err);
  REQUIRE(again.exit_code == 0);
  CHECK_THAT(again.err, Contains(passed_over) && Contains(second.string() + ": going on behind"));
  CHECK(fs::last_write_time(first) == made);
  CHECK(bytes_of(second) == bytes_of(first));

  // Another film in its place is not replaced.
  fs::copy_file(file("a.mkv"), first, fs::copy_options::overwrite_existing);
  const ProgramResult kept = run_afterglow(arguments);
  CHECK(kept.exit_code == 1);
  CHECK_THAT(kept.err, Contains(first.string() + ": is there, and not as a job of colorize left") &&
                           Contains("b.mkv: is made already"));
  CHECK(bytes_of(first) == bytes_of(file("a.mkv")));
}

TEST_CASE("colorize: what may be replaced is, and told, and nothing else", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_film(file("in.mkv"), 8, [](int t) { return moving_waves(64, 48, t); });
  write_film(file("out.mkv"), 2, [](int t) { return moving_waves(64, 48, t); });
  const auto colorize = [&](const Strings& more) {
    Strings arguments{"colorize", file("in.mkv"), "--out", file("out.mkv")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_afterglow(arguments);
  };
  const auto refused = [&](const Strings& more, const std::string& what) {
    const std::string before = bytes_of(file("out.mkv"));
    const ProgramResult result = colorize(more);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains("out.mkv: " + what));
    CHECK(bytes_of(file("out.mkv")) == before);
    CHECK_FALSE(fs::exists(file("out.mkv.parts")));
  };
  const auto made = [&](const Strings& more, const char* frames, bool replaced) {
    const ProgramResult result = colorize(more);
    INFO(result.err);
    CHECK(result.exit_code == 0);
    CHECK(result.out == file("out.mkv").string() + ": " + frames + " frames\n");
    CHECK((result.err.find("out.mkv: was made of other files, with other options") !=
           std::string::npos) == replaced);
  };
  const Strings preview{"--preview", "0+0.2"}, later{"--preview", "0.2+0.1"};

  fs::create_directory(file("empty.mkv"));
  const ProgramResult empty =
      run_afterglow({"colorize", file("in.mkv"), "--out", file("empty.mkv")});
  CHECK(empty.exit_code == 2);
  CHECK_THAT(empty.err, Contains("empty.mkv: is a folder that no job of colorize left so"));
  refused({}, "is there, and not as a job of colorize left it");
  refused(preview, "is there, and not as a job of colorize left it");
  fs::remove(file("out.mkv"));
  made(preview, "5", false);
  CHECK_THAT(colorize(preview).err, Contains("is made already"));
  made(later, "3", true);
  made({}, "8", true);
  made({"--strength", "0.5"}, "8", true);
  // Nothing is told of what is not done: the pictures given are gray.
  write_film(file("gray.mkv"), 8, [](int t) { return gray_picture(moving_waves(64, 48, t)); });
  const ProgramResult gray =
      run_afterglow({"colorize", file("gray.mkv"), "--out", file("out.mkv")});
  CHECK(gray.exit_code == 2);
  CHECK(std::count(gray.err.begin(), gray.err.end(), '\n') == 1);
  // The record holds wherever both are moved to.
  fs::create_directory(file("moved"));
  for (const char* name : {"out.mkv", "out.mkv.job"}) fs::copy(file(name), file("moved") / name);
  fs::last_write_time(file("moved") / "out.mkv", fs::last_write_time(file("out.mkv")));
  CHECK_THAT(run_afterglow({"colorize", file("in.mkv"), "--strength", "0.5", "--out",
                            file("moved") / "out.mkv"})
                 .err,
             Contains("is made already"));
  refused(preview, "is a whole film, which a preview would replace");
  std::ofstream(file("out.mkv"), std::ios::app) << "more";
  refused({"--strength", "0.5"}, "is there, and not as a job of colorize left it");
}

TEST_CASE("colorize: killed while the film is put in place, the job ends", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  write_film(file("in.mkv"), 8, [](int t) { return moving_waves(64, 48, t); });
  const char* const out = GENERATE("out.mkv", "pictures");
  const fs::path record = file(out).string() + ".job";
  const Strings arguments{"colorize", file("in.mkv"), "--out", file(out)};
  REQUIRE(run_afterglow(arguments).exit_code == 0);
  const std::string done = bytes_of(record);
  fs::remove(record);
  std::ofstream(file(out).string() + ".placing") << "";
  if (std::string(out) == "out.mkv") {
    fs::create_directory(file("out.mkv.parts"));
    std::ofstream(file("out.mkv.parts") / "job.txt") << done.substr(0, done.rfind("OUT "));
  }
  const ProgramResult again = run_afterglow(arguments);
  INFO(again.err);
  CHECK(again.exit_code == 0);
  CHECK_FALSE(fs::exists(file("out.mkv.parts")));
  CHECK_FALSE(fs::exists(file(out).string() + ".placing"));
  CHECK_THAT(run_afterglow(arguments).err, Contains("is made already"));
}

TEST_CASE("colorize: folders of pictures are made again where a picture is another", "[app]") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in", out = folder.path() / "out";
  write_film(in, 4, [](int t) { return moving_waves(64, 48, t); });
  const auto passed_over = [&] {
    const ProgramResult result = run_afterglow({"colorize", in, "--out", out});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    return result.err.find("out: is made already") != std::string::npos;
  };
  CHECK_FALSE(passed_over());
  CHECK(passed_over());
  const Picture other = moving_waves(64, 48, 30);
  write_picture(in / "00002.png", other);
  CHECK_FALSE(passed_over());
  CHECK(passed_over());
  // What somebody painted over is not made again.
  write_picture(out / "00001.png", other);
  const ProgramResult kept = run_afterglow({"colorize", in, "--out", out});
  CHECK(kept.exit_code == 2);
  CHECK_THAT(kept.err, Contains("out: is a folder that no job of colorize left so"));
  CHECK(read_picture(out / "00001.png") == other);
}

TEST_CASE("colorize: a film that would replace another thing costs no others", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  for (const char* name : {"a.mkv", "b.mkv"}) {
    write_film(file(name), 3, [](int t) { return moving_waves(64, 48, t); });
  }
  fs::create_directories(file("films") / "a.mkv" / "in the way");
  const ProgramResult result =
      run_afterglow({"colorize", file("a.mkv"), file("b.mkv"), "--out", file("films")});
  INFO(result.err);
  CHECK(result.exit_code == 1);
  CHECK_THAT(result.err, Contains("a.mkv: is a folder that no job of colorize left so") &&
                             Contains("1 of 2 films"));
  CHECK(fs::is_regular_file(file("films") / "b.mkv"));

  const auto passed_over = [&](const char* strength) {
    const ProgramResult again = run_afterglow(
        {"colorize", file("b.mkv"), "--out", file("films") / "b.mkv", "--strength", strength});
    return again.err.find("b.mkv: is made already") != std::string::npos;
  };
  CHECK(passed_over("1"));
  CHECK_FALSE(passed_over("0.5"));
  CHECK(passed_over("0.5"));
}

TEST_CASE("colorize: a film that breaks late says what is done of it", "[app]") {
  const TemporaryFolder folder;
  const fs::path in = folder.path() / "in.m2v", out = folder.path() / "out.mkv";
  std::ofstream joined(in, std::ios::binary);
  for (const char* size : {"64x48", "96x80"}) {
    const fs::path part = folder.path() / (std::string(size) + ".m2v");
    ffmpeg({"-f", "lavfi", "-i", "testsrc2=rate=25:duration=12:size=" + std::string(size), "-c:v",
            "mpeg2video", "-g", "1", part});
    joined << bytes_of(part);
  }
  joined.close();
  const ProgramResult result = run_afterglow({"colorize", in, "--out", out});
  INFO(result.err);
  CHECK(result.exit_code == 2);
  CHECK_THAT(result.err, Contains("changes its size from 64x48 to 96x80 at frame ") &&
                             Contains("(frames 0 to 239 are done, in " + out.string() + ".parts)"));
  CHECK(parts_in(out.string() + ".parts") == 1);
}

TEST_CASE("colorize: memory is flat in the film's length", "[app]") {
  const TemporaryFolder folder;
  constexpr int kWidth = 192, kHeight = 144, kShort = 64;
  constexpr long kPicture = kWidth * kHeight * 3;  // bytes
  const auto film = [](int t) { return textured(kWidth, kHeight, t); };
  const auto largest_after = [&](int frames) {  // KiB
    const fs::path in = folder.path() / (std::to_string(frames) + ".mkv");
    write_film(in, frames, film);
    const ProgramResult result = run_afterglow({"colorize", in, "--out", in.string() + ".mp4"});
    INFO(result.err);
    REQUIRE(result.exit_code == 0);
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_maxrss;
  };
  const long before = largest_after(kShort);
  // Far less than if frames were kept; the heap breathes.
  CHECK(largest_after(4 * kShort) - before < 3 * kShort * kPicture / 1024 / 2);
}

TEST_CASE("colorize: killed, a film with key frames ends the same", "[app]") {
  const TemporaryFolder folder;
  const auto file = [&](const char* name) { return folder.path() / name; };
  const auto coloured = [](int t) { return t < kCut ? moving_waves(64, 48, t) : mosaic(t); };
  const bool gray = GENERATE(true, false);
  CAPTURE(gray);
  write_film(file("in.mkv"), kFrames, [&](int t) {
    Picture picture = coloured(t);
    if (!gray) return picture;
    for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
      std::fill_n(&picture.rgb[i], 3, picture.rgb[i + 1]);
    }
    return picture;
  });
  // Parts end at frames 60, 300 and 540: on the way forward from 200, and backward from 400.
  fs::create_directories(file("keys"));
  for (int t : {20, 200, 400}) {
    write_picture(file("keys") / (std::to_string(t) + ".png"), coloured(t));
  }
  const auto arguments = [&](const char* out) {
    return Strings{"colorize", file("in.mkv"), "--out",   file(out),
                   "--key",    file("keys"),   "--codec", "lossless"};
  };
  const ProgramResult once = run_afterglow(arguments("once.mkv"));
  INFO(once.err);
  REQUIRE(once.exit_code == 0);
  const fs::path parts = file("again.mkv.parts");
  for (std::size_t done = 1; done <= 2; ++done) {
    RunningProgram program(AFTERGLOW_PROGRAM, arguments("again.mkv"));
    while (program.running() && parts_in(parts) < done) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    program.send(SIGKILL);
    CHECK(program.wait().signal == SIGKILL);
    REQUIRE(parts_in(parts) >= done);
  }
  // With another picture it is another job.
  const fs::path key = file("keys") / "400.png", kept = file("400.png");
  fs::rename(key, kept);
  write_picture(key, coloured(401));
  CHECK(run_afterglow(arguments("again.mkv")).exit_code == 2);
  fs::rename(kept, key);

  const ProgramResult last = run_afterglow(arguments("again.mkv"));
  INFO(last.err);
  REQUIRE(last.exit_code == 0);
  CHECK_THAT(last.err, Contains("going on behind frame"));
  CHECK(bytes_of(file("again.mkv")) == bytes_of(file("once.mkv")));
}

}  // namespace afterglow::test
