#include "text/jinja/functions.h"

#include <chrono>
#include <ctime>

#include "text/jinja/bind.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/iterate.h"
#include "text/jinja/operators.h"
#include "text/jinja/print.h"

namespace distill::jinja {
namespace {

Value range(Interpreter& in, const CallArgs& args) {
  constexpr int64_t kMaxRange = 100'000;
  if (!args.keyword.empty() || args.positional.empty() || args.positional.size() > 3) {
    throw Fault("range() takes 1 to 3 positional arguments");
  }
  const auto at = [&](size_t i) { return to_index(args.positional[i], "an argument of range()"); };
  const bool single = args.positional.size() == 1;
  const int64_t start = single ? 0 : at(0);
  const int64_t stop = at(single ? 0 : 1);
  const int64_t step = args.positional.size() == 3 ? at(2) : 1;
  if (step == 0) throw Fault("range() arg 3 must not be zero");
  std::vector<Value> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop;) {
    if (static_cast<int64_t>(items.size()) == kMaxRange) {
      throw Fault("range too big: the sandbox blocks ranges larger than " +
                  std::to_string(kMaxRange));
    }
    in.charge(2);
    items.push_back(Value::integer(i));
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  return Value::sequence(Sequence::Kind::kRange, std::move(items));
}

/// dict(mapping or pairs, name=value, ...)
Dict make_dict(Interpreter& in, const CallArgs& args) {
  if (args.positional.size() > 1) throw Fault("dict() takes at most 1 positional argument");
  Dict dict;
  if (!args.positional.empty() && args.positional[0].is_dict()) {
    dict = args.positional[0].as_dict();
    in.charge(4 * dict.size());
  } else if (!args.positional.empty()) {
    for (const Value& pair : collect(in, args.positional[0])) {
      const std::vector<Value> entry = collect(in, pair);
      if (entry.size() != 2) throw Fault("dict() needs pairs of a key and a value");
      in.charge(entry[0].weight());
      dict.set(entry[0], entry[1]);
    }
  }
  for (const auto& [name, value] : args.keyword) dict.set(Value::string(name), value);
  return dict;
}

Value dict(Interpreter& in, const CallArgs& args) { return Value::dict(make_dict(in, args)); }

Value make_namespace(Interpreter& in, const CallArgs& args) {
  const Dict attributes = make_dict(in, args);
  const auto space = in.make_namespace();
  for (const auto& [name, value] : attributes.entries()) space->set(to_text(name), value);
  return Value::object(space);
}

Value raise_exception(Interpreter&, const CallArgs& args) {
  const Bound bound("raise_exception", args, {"message"}, 1);
  throw RaisedByTemplate(to_text(bound.at(0)));
}

/// datetime.now().strftime(format): local time; %f is the microseconds, %z and %Z are empty.
Value strftime_now(Interpreter&, const CallArgs& args) {
  const Bound bound("strftime_now", args, {"format"}, 1);
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  std::tm local{};
  localtime_r(&seconds, &local);
  std::string format;
  const std::string& given = bound.text(0);
  for (size_t i = 0; i < given.size(); ++i) {
    const char next = given[i] == '%' && i + 1 < given.size() ? given[i + 1] : '\0';
    if (next == 'f') {
      const std::string digits = std::to_string(1'000'000 + micros % 1'000'000);
      format += digits.substr(1);
    } else if (next != 'z' && next != 'Z') {
      format.push_back(given[i]);
      if (next != '\0') format.push_back(next);
    }
    if (next != '\0') ++i;
  }
  constexpr size_t kLongest = 1000;
  if (format.size() > kLongest) throw Fault("strftime_now: the format is too long");
  std::string out(16 * kLongest, '\0');
  out.resize(format.empty() ? 0 : std::strftime(out.data(), out.size(), format.c_str(), &local));
  return Value::string(std::move(out));
}

}  // namespace

std::optional<Value> find_global(const std::string& name) {
  if (name == "range") return make_function(range);
  if (name == "dict") return make_function(dict);
  if (name == "namespace") return make_function(make_namespace);
  if (name == "raise_exception") return make_function(raise_exception);
  if (name == "strftime_now") return make_function(strftime_now);
  return std::nullopt;
}

bool is_unsupported_global(const std::string& name) {
  return name == "lipsum" || name == "cycler" || name == "joiner" || name == "self";
}

}  // namespace distill::jinja
