#include "config/suggestions.h"

#include <algorithm>
#include <cctype>

#include "distill/config/config_file.h"

namespace distill {
namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

// Values: losses, numbers and optimizers by the names that others give them.
const Names& foreign_values() {
  static const Names values = {
      {"adam", "adamw"},         {"adamw_torch", "adamw"},  {"adamw_torch_fused", "adamw"},
      {"bf16", "bfloat16"},      {"ce", "cross_entropy"},   {"constant_with_warmup", "constant"},
      {"fkl", "forward_kl"},     {"fp16", "float16"},       {"fp32", "float32"},
      {"gkd", "jensen_shannon"}, {"gpu", "cuda"},           {"half", "float16"},
      {"js", "jensen_shannon"},  {"jsd", "jensen_shannon"}, {"kd", "forward_kl"},
      {"kl", "forward_kl"},      {"kl_div", "forward_kl"},  {"kld", "forward_kl"},
      {"nll", "cross_entropy"},  {"rkl", "reverse_kl"},     {"sft", "cross_entropy"},
  };
  return values;
}

// Keys of a number's schedule: they mean this among its keys only.
const Names& foreign_schedule_keys() {
  static const Names keys = {
      {"begin", "from"},        {"initial", "from"},      {"initial_value", "from"},
      {"start", "from"},        {"start_value", "from"},  {"end", "to"},
      {"end_value", "to"},      {"final", "to"},          {"final_value", "to"},
      {"target", "to"},         {"duration", "over"},     {"num_steps", "over"},
      {"ratio", "over"},        {"steps", "over"},        {"warmup", "over"},
      {"warmup_ratio", "over"}, {"warmup_steps", "over"}, {"mode", "shape"},
      {"schedule", "shape"},    {"scheduler", "shape"},   {"type", "shape"},
  };
  return keys;
}

// "Per-Device-Batch" and "per_device_batch" are one name.
std::string normalized(const std::string& name) {
  std::string text = name;
  for (char& c : text) {
    c = c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string foreign(const Names& table, const std::string& name,
                    const std::vector<std::string>& candidates) {
  const std::string wanted = normalized(name);
  for (const auto& [theirs, ours] : table) {
    if (theirs == wanted && contains(candidates, ours)) return ours;
  }
  return "";
}

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment).
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({substitution, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace

std::string nearest_name(const std::string& name, const std::vector<std::string>& candidates) {
  const std::string wanted = normalized(name);
  std::string best;
  size_t best_distance = 0;
  for (const std::string& candidate : candidates) {
    const std::string other = normalized(candidate);
    const size_t longer = std::max(wanted.size(), other.size());
    const size_t allowed = std::max<size_t>(1, longer / 3);
    if (longer - std::min(wanted.size(), other.size()) > allowed) continue;
    const size_t distance = edit_distance(wanted, other);
    if (distance > allowed || distance == longer) continue;
    if (best.empty() || distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggest_name(const std::string& name, const std::vector<std::string>& choices) {
  const std::string known = foreign(foreign_values(), name, choices);
  return known.empty() ? nearest_name(name, choices) : known;
}

std::string suggest_key(const std::string& key, const std::vector<std::string>& siblings,
                        const std::vector<std::string>& schema) {
  const std::string own = foreign(foreign_schedule_keys(), key, siblings);
  if (!own.empty()) return own;
  const std::string known = foreign(foreign_keys(), key, schema);
  if (!known.empty()) return known;
  const std::string near = nearest_name(key, siblings);
  if (!near.empty()) return near;
  std::string elsewhere;
  for (const std::string& path : schema) {
    if (path != normalized(key) && !path.ends_with("." + normalized(key))) continue;
    if (!elsewhere.empty() && elsewhere != path) return "";
    elsewhere = path;
  }
  return elsewhere;
}

}  // namespace distill
