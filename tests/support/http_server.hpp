// A small HTTP server on this machine that misbehaves as it is told.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace afterglow::test {

struct HttpRequest {
  std::string path;
  std::int64_t from = -1;  // of a Range header; -1: none
};

struct HttpAnswer {
  int status = 200;
  std::vector<std::string> headers;  // "Location: ..."
  std::string body;
  std::int64_t length = -1;       // of Content-Length; -1: the body's, -2: none
  std::int64_t break_after = -1;  // bytes of the body; -1: none
  bool endless = false;           // the body again and again
};

/// What serves `file` as servers do, ranges too.
HttpAnswer serve(const std::string& file, const HttpRequest& request);

/// Answers one request after the other until it is destroyed.
class HttpServer {
 public:
  explicit HttpServer(std::function<HttpAnswer(const HttpRequest&)> answer);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// "http://127.0.0.1:PORT/NAME".
  std::string address(const std::string& name) const;
  /// All requests so far.
  std::vector<HttpRequest> requests() const;

 private:
  void run();

  std::function<HttpAnswer(const HttpRequest&)> answer_;
  int listener_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace afterglow::test
