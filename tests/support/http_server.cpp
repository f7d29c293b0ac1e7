#include "support/http_server.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace afterglow::test {
namespace {

bool send_all(int socket, const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

HttpRequest read_request(int socket) {
  std::string head;
  char buffer[4096];
  while (head.find("\r\n\r\n") == std::string::npos) {
    const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
    if (count <= 0) break;
    head.append(buffer, static_cast<std::size_t>(count));
  }
  HttpRequest request;
  const std::size_t begin = head.find(' ') + 1;
  request.path = head.substr(begin, head.find(' ', begin) - begin);
  const std::string range = "Range: bytes=";
  const std::size_t at = head.find(range);
  if (at != std::string::npos) request.from = std::stoll(head.substr(at + range.size()));
  return request;
}

void send_answer(int socket, const HttpAnswer& answer) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Some\r\nConnection: close\r\n";
  const std::int64_t length =
      answer.length == -1 ? static_cast<std::int64_t>(answer.body.size()) : answer.length;
  if (length >= 0 && !answer.endless) {
    head += "Content-Length: " + std::to_string(length) + "\r\n";
  }
  for (const std::string& header : answer.headers) head += header + "\r\n";
  if (!send_all(socket, head + "\r\n")) return;
  if (answer.break_after >= 0) {
    send_all(socket, answer.body.substr(0, static_cast<std::size_t>(answer.break_after)));
    return;
  }
  while (send_all(socket, answer.body) && answer.endless) {
  }
}

}  // namespace

HttpAnswer serve(const std::string& file, const HttpRequest& request) {
  HttpAnswer answer;
  if (request.from < 0) {
    answer.body = file;
  } else if (static_cast<std::size_t>(request.from) >= file.size()) {
    answer.status = 416;
  } else {
    answer.status = 206;
    answer.headers = {"Content-Range: bytes " + std::to_string(request.from) + "-" +
                      std::to_string(file.size() - 1) + "/" + std::to_string(file.size())};
    answer.body = file.substr(static_cast<std::size_t>(request.from));
  }
  return answer;
}

HttpServer::HttpServer(std::function<HttpAnswer(const HttpRequest&)> answer)
    : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in place = {};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* const general = reinterpret_cast<sockaddr*>(&place);
  if (listener_ < 0 || ::bind(listener_, general, size) != 0 || ::listen(listener_, 8) != 0 ||
      ::getsockname(listener_, general, &size) != 0) {
    throw std::runtime_error("no local server can be started");
  }
  port_ = ntohs(place.sin_port);
  thread_ = std::thread([this] { run(); });
}

HttpServer::~HttpServer() {
  done_ = true;
  thread_.join();
  ::close(listener_);
}

std::string HttpServer::address(const std::string& name) const {
  return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
}

std::vector<HttpRequest> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::run() {
  constexpr int kMilliseconds = 20;  // between looks at done_
  while (!done_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (::poll(&waiting, 1, kMilliseconds) <= 0) continue;
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    const HttpRequest request = read_request(socket);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    send_answer(socket, answer_(request));
    ::shutdown(socket, SHUT_WR);
    ::close(socket);
  }
}

}  // namespace afterglow::test
