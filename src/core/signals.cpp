#include "distill/core/signals.h"

#include <unistd.h>

#include <csignal>

#include "distill/core/error.h"

namespace distill {
namespace {

volatile std::sig_atomic_t received = 0;

void on_signal(int signal) {
  if (received != 0) _exit(128 + signal);
  received = signal;
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A file that may not grow is an error of the write, with its path, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
}

int stop_signal() { return received; }

void throw_if_stopped() {
  if (received != 0) throw Interrupted(received);
}

}  // namespace distill
