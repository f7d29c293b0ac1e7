// Work on other threads, in order: values made ahead of their use, and values used behind their
// making.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace afterglow {

/// A queue of at most `depth` values between two threads.
template <typename T>
class Channel {
 public:
  explicit Channel(std::size_t depth) : depth_(depth) {}

  /// Waits for room; false, and the value dropped, once the channel is closed.
  bool push(T value) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || queue_.size() < depth_; });
      if (closed_) return false;
      queue_.push_back(std::move(value));
    }
    changed_.notify_all();
    return true;
  }

  /// Waits for a value; nothing once the channel is closed and empty.
  std::optional<T> pop() {
    std::optional<T> value;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return closed_ || !queue_.empty(); });
      if (queue_.empty()) return std::nullopt;
      value = std::move(queue_.front());
      queue_.pop_front();
    }
    changed_.notify_all();
    return value;
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> queue_;
  std::size_t depth_;
  bool closed_ = false;
};

/// Values that a thread makes ahead of their use.
template <typename T>
class Ahead {
 public:
  /// make() gives one value after the other on the thread, then nothing. Up to `depth` lie ready.
  Ahead(std::function<std::optional<T>()> make, std::size_t depth)
      : channel_(depth), thread_([this, make = std::move(make)] { work(make); }) {}
  /// Waits for the value in the making.
  ~Ahead() {
    channel_.close();
    thread_.join();
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  /// The next value, or nothing behind the last. What make() threw is thrown here, behind the
  /// values before it.
  std::optional<T> next() {
    std::optional<T> value = channel_.pop();
    if (!value && failure_) std::rethrow_exception(failure_);
    return value;
  }

 private:
  void work(const std::function<std::optional<T>()>& make) {
    try {
      while (std::optional<T> value = make()) {
        if (!channel_.push(std::move(*value))) return;
      }
    } catch (...) {
      failure_ = std::current_exception();  // close() makes it visible
    }
    channel_.close();
  }

  Channel<T> channel_;
  std::exception_ptr failure_;
  std::thread thread_;
};

/// Values that a thread uses behind their making.
template <typename T>
class Behind {
 public:
  /// use(value) runs on the thread. Up to `depth` values wait for it.
  Behind(std::function<void(const T&)> use, std::size_t depth)
      : channel_(depth), thread_([this, use = std::move(use)] { work(use); }) {}
  /// Waits until all values are used.
  ~Behind() { join(); }
  Behind(const Behind&) = delete;
  Behind& operator=(const Behind&) = delete;

  /// Throws what use() threw for a value before this one. Not to be called behind finish().
  void push(T value) {
    if (!channel_.push(std::move(value))) finish();
  }

  /// Waits until all values are used. Throws what use() threw.
  void finish() {
    join();
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void work(const std::function<void(const T&)>& use) {
    try {
      while (const std::optional<T> value = channel_.pop()) use(*value);
    } catch (...) {
      failure_ = std::current_exception();
      channel_.close();
    }
  }

  void join() {
    channel_.close();
    if (thread_.joinable()) thread_.join();
  }

  Channel<T> channel_;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace afterglow
