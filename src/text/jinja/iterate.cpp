#include "text/jinja/iterate.h"

#include "text/jinja/interpreter.h"
#include "text/jinja/unicode.h"

namespace distill::jinja {
namespace {

class ItemIterator : public Iterator {
 public:
  explicit ItemIterator(const Value& value) : Iterator(value.depth() + 1), value_(value) {}

  bool next(Value& item) override {
    if (value_.is_undefined()) return false;
    if (value_.is_string()) {
      const std::string& text = value_.as_string();
      if (at_ >= text.size()) return false;
      const size_t begin = at_;
      next_code_point(text, at_);
      item = Value::string(text.substr(begin, at_ - begin));
      return true;
    }
    const size_t size = value_.is_dict() ? value_.as_dict().size() : value_.items().size();
    if (at_ >= size) return false;
    item = value_.is_dict() ? value_.as_dict().entries()[at_].first : value_.items()[at_];
    ++at_;
    return true;
  }

 private:
  Value value_;
  size_t at_ = 0;
};

class FunctionIterator : public Iterator {
 public:
  FunctionIterator(int depth, std::function<bool(Value&)> next)
      : Iterator(depth), next_(std::move(next)) {}

  bool next(Value& item) override {
    // A filtered loop whose condition asks for `loop.last` of that same loop.
    if (running_) throw Fault("generator already executing");
    if (!next_) return false;
    running_ = true;
    const bool more = next_(item);
    running_ = false;
    if (!more) next_ = nullptr;
    return more;
  }

 private:
  std::function<bool(Value&)> next_;
  bool running_ = false;
};

}  // namespace

std::shared_ptr<Iterator> iterate(const Value& value) {
  if (value.is_iterator()) return value.as_iterator();
  if (value.is_undefined() || value.is_string() || value.is_sequence() || value.is_dict()) {
    return std::make_shared<ItemIterator>(value);
  }
  throw Fault("'" + value.type_name() + "' object is not iterable");
}

std::vector<Value> collect(Interpreter& in, const Value& value) {
  const std::shared_ptr<Iterator> items = iterate(value);
  std::vector<Value> out;
  Value item;
  while (items->next(item)) {
    in.charge(2);
    out.push_back(std::move(item));
  }
  return out;
}

Value generator(int depth, std::function<bool(Value&)> next) {
  return Value::iterator(std::make_shared<FunctionIterator>(depth + 1, std::move(next)));
}

}  // namespace distill::jinja
