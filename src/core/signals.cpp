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

volatile std::sig_atomic_t received = 0;
volatile std::sig_atomic_t on_terminal = 0;
std::atomic<const char*> promise = "stopping at the next safe point";
static_assert(std::atomic<const char*>::is_always_lock_free);

/// write(2) alone: stdio and the logger may be in use by what the signal interrupts.
void say(const char* text) {
  const ssize_t ignored = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(ignored);
}

void on_signal(int signal) {
  if (received != 0) _exit(128 + signal);
  received = signal;
  const int before = errno;
  if (on_terminal != 0) say("\r\033[K");  // a progress line
  say(signal == SIGINT ? "signal 2: " : "signal 15: ");
  say(promise);
  say("; once more leaves at once\n");
  errno = before;
}

}  // namespace

void catch_stop_signals() {
  on_terminal = stderr_is_terminal();
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // a save that is under way goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A file that may not grow is an error of the write, with its path, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

void promise_on_stop(const char* what) { promise = what; }

int stop_signal() { return received; }

void throw_if_stopped() {
  if (received != 0) throw Interrupted(received);
}

}  // namespace distill
