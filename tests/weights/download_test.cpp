#include "weights/download.hpp"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>
#include <functional>
#include <iterator>
#include <utility>

#include "base/error.hpp"
#include "base/sha256.hpp"
#include "support/http_server.hpp"
#include "support/temporary_folder.hpp"

namespace afterglow {
namespace {

namespace fs = std::filesystem;
using test::HttpAnswer;
using test::HttpRequest;
using test::HttpServer;
using test::serve;

/// 300 kB that differ everywhere.
const std::string& file_bytes() {
  static const std::string bytes = [] {
    std::string made;
    for (unsigned i = 0; i < 300000; ++i) made += static_cast<char>((i * 7919) >> 5);
    return made;
  }();
  return bytes;
}

struct Fixture {
  TemporaryFolder folder;
  fs::path to = folder.path() / "sub" / "weights.bin", part = to.string() + ".part";

  DownloadRequest request(std::vector<std::string> addresses) const {
    return {"weights", std::move(addresses), file_bytes().size(), to, [](std::string_view bytes) {
              return sha256(bytes) == sha256(file_bytes()) ? ""
                                                           : std::string("has another checksum");
            }};
  }

  static std::string read(const fs::path& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  void write_part(const std::string& bytes) const {
    fs::create_directories(to.parent_path());
    std::ofstream(part, std::ios::binary) << bytes;
  }

  void check_fetched(const std::vector<std::string>& addresses) const {
    download(request(addresses));
    CHECK(read(to) == file_bytes());
    CHECK_FALSE(fs::exists(part));
  }

  /// That it fails, saying so, and leaves `kept` bytes to go on from.
  void check_refused(const std::vector<std::string>& addresses, const std::string& said,
                     std::size_t kept = 0) const {
    CHECK_THROWS_WITH(download(request(addresses)), Catch::Contains(said));
    CHECK_FALSE(fs::exists(to));
    CHECK(read(part) == file_bytes().substr(0, kept));
  }
};

/// What the calls below do instead, once.
std::function<int()> at_fsync, at_flock;

}  // namespace
}  // namespace afterglow

// The program's calls of these come here.
extern "C" int fsync(int descriptor) {
  if (afterglow::at_fsync) return std::exchange(afterglow::at_fsync, nullptr)();
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
extern "C" int flock(int descriptor, int operation) noexcept {
  if (afterglow::at_flock) std::exchange(afterglow::at_flock, nullptr)();
  return static_cast<int>(::syscall(SYS_flock, descriptor, operation));
}

namespace afterglow {

TEST_CASE_METHOD(Fixture, "download: a file comes over HTTP and from a file: address") {
  const HttpServer server([](const HttpRequest& request) { return serve(file_bytes(), request); });
  check_fetched({server.address("w")});
  fs::remove(to);
  const fs::path source = folder.path() / "source";
  std::ofstream(source, std::ios::binary) << file_bytes();
  check_fetched({"file://" + source.string()});
}

TEST_CASE_METHOD(Fixture, "download: what broke off is gone on from, at once and in a later call") {
  bool alive = true;
  const HttpServer server([&](const HttpRequest& request) {
    HttpAnswer answer = serve(file_bytes(), request);
    if (!alive) return HttpAnswer{503, {}, {}};
    answer.break_after = 100'000;
    return answer;
  });
  SECTION("at once") {
    check_fetched({server.address("w")});
    const std::vector<HttpRequest> requests = server.requests();
    REQUIRE(requests.size() == 3);
    CHECK(requests[0].from == -1);
    CHECK(requests[1].from == 100'000);
    CHECK(requests[2].from == 200'000);
  }
  SECTION("in a later call") {
    fs::create_directories(to.parent_path());
    std::ofstream(part, std::ios::binary) << file_bytes().substr(0, 250'000);
    alive = false;
    check_refused({server.address("w")}, "status 503; the next fetch goes on from here", 250'000);
    alive = true;
    check_fetched({server.address("w")});
    CHECK(server.requests().back().from == 250'000);
  }
}

TEST_CASE_METHOD(Fixture, "download: a server without ranges begins again") {
  const int status = GENERATE(200, 416);
  const HttpServer server([&](const HttpRequest& request) {
    if (request.from >= 0 && status == 416) return HttpAnswer{416, {}, {}};
    return HttpAnswer{200, {}, file_bytes()};
  });
  fs::create_directories(to.parent_path());
  std::ofstream(part, std::ios::binary) << file_bytes().substr(0, 10);
  check_fetched({server.address("w")});
}

TEST_CASE_METHOD(Fixture, "download: a part of another file is no part of this one") {
  const HttpServer server([](const HttpRequest& request) { return serve(file_bytes(), request); });
  const std::size_t size = GENERATE(std::size_t{1000}, std::size_t{300'000}, std::size_t{300'001});
  fs::create_directories(to.parent_path());
  std::ofstream(part, std::ios::binary) << std::string(size, 'x');
  check_fetched({server.address("w")});
}

TEST_CASE_METHOD(Fixture, "download: redirections are followed, a few of them") {
  const HttpServer server([](const HttpRequest& request) {
    if (request.path == "/loop") return HttpAnswer{302, {"Location: /loop"}, {}};
    if (request.path == "/old") return HttpAnswer{301, {"Location: /new"}, {}};
    if (request.path == "/local") return HttpAnswer{302, {"Location: file:///etc/hostname"}, {}};
    return serve(file_bytes(), request);
  });
  check_fetched({server.address("old")});
  fs::remove(to);
  check_refused({server.address("loop")}, "redirects");
  check_refused({server.address("local")}, "Protocol");
}

TEST_CASE_METHOD(Fixture, "download: what is not the file is refused, and the next address asked") {
  const HttpServer server([](const HttpRequest& request) {
    HttpAnswer answer = serve(file_bytes(), request);
    if (request.path == "/page") answer.body = "\n <!DOCTYPE html><title>Not found</title>";
    if (request.path == "/wrong") answer.body[12345] ^= 1;
    if (request.path == "/short") answer.body.resize(1000);
    if (request.path == "/more") answer.body += "more";
    if (request.path == "/endless") answer.endless = true;
    if (request.path == "/none") answer = {404, {}, "nothing here"};
    if (request.path == "/error") answer = {500, {}, "an error"};
    if (request.path == "/says-less") answer.length = 1000;
    return answer;
  });
  const auto [name, said] =
      GENERATE(table<std::string, std::string>({{"page", "gives an HTML page, not the file"},
                                                {"wrong", "gives a file that has another checksum"},
                                                {"short", "gives 1000 bytes, not 300000"},
                                                {"more", "gives more than the 300000 bytes"},
                                                {"endless", "gives more than the 300000 bytes"},
                                                {"none", "answers with status 404"},
                                                {"error", "answers with status 500"},
                                                {"says-less", "gives 1000 bytes, not 300000"}}));
  CAPTURE(name);
  check_refused({server.address(name)}, said);
  check_fetched({server.address(name), server.address("w")});
}

TEST_CASE_METHOD(Fixture,
                 "download: a length that is never reached does not matter to a whole file") {
  const HttpServer server([](const HttpRequest& request) {
    HttpAnswer answer = serve(file_bytes(), request);
    answer.length = 1'000'000;
    return answer;
  });
  check_fetched({server.address("w")});
}

TEST_CASE_METHOD(Fixture, "download: no server, no folder, a second process") {
  const std::string nobody = [] {
    return HttpServer([](const HttpRequest&) { return HttpAnswer(); }).address("w");
  }();
  check_refused({nobody}, "could not be fetched: " + nobody);
  check_refused({nobody, "file:///no/such/file"}, "; file:///no/such/file ");

  std::ofstream(folder.path() / "plain") << "a file";
  DownloadRequest into_a_file = request({nobody});
  into_a_file.to = folder.path() / "plain" / "w";
  CHECK_THROWS_AS(download(into_a_file), InputError);

  // The server holds the first one up until the second one has tried.
  const HttpServer server([&](const HttpRequest& asked) {
    CHECK_THROWS_WITH(download(request({nobody})), Catch::Contains("another process"));
    return serve(file_bytes(), asked);
  });
  check_fetched({server.address("w")});
}

TEST_CASE_METHOD(Fixture, "download: an answer without a length may break off as well") {
  const HttpServer server([](const HttpRequest& request) {
    HttpAnswer answer = serve(file_bytes(), request);
    answer.length = -2;
    answer.break_after = 100'000;
    return answer;
  });
  check_fetched({server.address("w")});
  CHECK(server.requests().back().from == 200'000);
}

TEST_CASE_METHOD(Fixture, "download: an address without ranges takes nothing that others gave") {
  const HttpServer server([](const HttpRequest& request) {
    if (request.path == "/page") return HttpAnswer{200, {}, "<html>Please log in</html>"};
    if (request.path == "/error") return HttpAnswer{200, {}, "{\"error\": 7}"};
    return HttpAnswer{503, {}, {}};
  });
  write_part(file_bytes().substr(0, 250'000));
  check_refused({server.address("page")}, "gives an HTML page, not the file", 250'000);
  check_refused({server.address("error")}, "gives 12 bytes, not 300000", 250'000);
  check_refused({server.address("w"), server.address("page"), server.address("error")},
                "the next fetch goes on from here", 250'000);
}

TEST_CASE_METHOD(Fixture, "download: a part that is a link is not followed") {
  const HttpServer server([](const HttpRequest& request) { return serve(file_bytes(), request); });
  const fs::path precious = folder.path() / "precious";
  std::ofstream(precious) << "precious";
  fs::create_directories(to.parent_path());
  SECTION("to a file") {
    fs::create_symlink(precious, part);
    CHECK_THROWS_WITH(download(request({server.address("w")})), Catch::Contains("no plain file"));
    CHECK(read(precious) == "precious");
  }
  SECTION("a pipe") {
    REQUIRE(::mkfifo(part.c_str(), 0600) == 0);
    CHECK_THROWS_WITH(download(request({server.address("w")})), Catch::Contains("no plain file"));
  }
}

TEST_CASE_METHOD(Fixture,
                 "download: what another process finished in the meantime stays as it is") {
  const HttpServer server([](const HttpRequest& request) { return serve(file_bytes(), request); });
  write_part("other");
  const fs::path finished = folder.path() / "finished";
  at_flock = [&] {
    fs::rename(part, finished);
    return 0;
  };
  check_fetched({server.address("w")});
  CHECK(read(finished) == "other");
}

TEST_CASE_METHOD(Fixture, "download: a file that cannot be put on disk is no success") {
  const HttpServer server([](const HttpRequest& request) { return serve(file_bytes(), request); });
  at_fsync = [] {
    errno = EIO;
    return -1;
  };
  CHECK_THROWS_WITH(download(request({server.address("w")})),
                    Catch::Contains("cannot be written to disk"));
  CHECK_FALSE(fs::exists(to));
  at_fsync = [] {  // a file system that has no such call
    errno = EINVAL;
    return -1;
  };
  check_fetched({server.address("w")});
}

}  // namespace afterglow
