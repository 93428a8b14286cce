// SIGINT and SIGTERM as a question that long work asks at its safe points.
#pragma once

namespace distill {

/// From now on the first SIGINT or SIGTERM is remembered and answered on stderr, the second ends
/// the process at once. SIGXFSZ is ignored: the write that exceeds the limit fails instead.
void catch_stop_signals();

/// What the answer to the first signal promises from now on: a literal, such as "finishing the
/// step".
void promise_on_stop(const char* what);

/// The signal that asked for a stop, or 0.
int stop_signal();

/// Throws Interrupted if a stop was asked for.
void throw_if_stopped();

}  // namespace distill
