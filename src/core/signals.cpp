#include "distill/core/signals.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "distill/core/error.h"
#include "distill/core/log.h"

namespace distill {
namespace {

volatile std::sig_atomic_t received = 0;  // the first
volatile std::sig_atomic_t demanded = 0;  // a SIGINT or SIGTERM came: the next ends the process
volatile std::sig_atomic_t on_terminal = 0;
std::atomic<const char*> promise = "stopping at the next safe point";
static_assert(std::atomic<const char*>::is_always_lock_free);

/// write(2) alone: stdio and the logger may be in use by what the signal interrupts.
void say(const char* text) {
  const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

void on_signal(int signal) {
  const bool hangup = signal == SIGHUP;
  if (hangup && received != 0) return;
  if (!hangup && demanded != 0) _exit(128 + signal);
  if (!hangup) demanded = 1;
  if (received == 0) received = signal;
  const int before = errno;
  if (on_terminal != 0) say("\r\033[K");  // a progress line
  say(describe_stop_signal(signal));
  say(": ");
  say(promise);
  say(hangup ? "\n" : "; once more leaves at once\n");
  errno = before;
}

bool is_ignored(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

void catch_stop_signals() {
  on_terminal = stderr_is_terminal();
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // a save that is under way goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  if (!is_ignored(SIGHUP)) sigaction(SIGHUP, &action, nullptr);
  // A file that may not grow is an error of the write, with its path, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  // Nor does a log that nobody reads any more, such as that of `| tee` on a closed terminal, end
  // it.
  std::signal(SIGPIPE, SIG_IGN);
}

void promise_on_stop(const char* what) { promise = what; }

int stop_signal() { return received; }

void throw_if_stopped() {
  if (received != 0) throw Interrupted(received);
}

const char* describe_stop_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      return "SIGHUP, signal 1";
    case SIGINT:
      return "SIGINT, signal 2";
    default:
      return "SIGTERM, signal 15";
  }
}

}  // namespace distill
