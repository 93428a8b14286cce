// Reading a model folder.
#include "distill/model/loading.h"

#include <ATen/ATen.h>

#include <map>
#include <set>

#include "distill/core/error.h"
#include "distill/core/progress.h"
#include "distill/io/hf_folder.h"
#include "distill/model/family.h"
#include "distill/ops/device.h"

namespace distill {
namespace {

/// Tensors of checkpoints that are no weights: tables that the code makes itself.
bool is_buffer(std::string_view name) {
  return name.ends_with(".rotary_emb.inv_freq") || name.ends_with(".attn.bias") ||
         name.ends_with(".attn.masked_bias");
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// A parameter and where it comes from.
struct Source {
  Parameter* parameter;
  StoredWeight stored;
  std::string name;  // in the files: without the prefix in old checkpoints

  std::vector<int64_t> stored_shape() const {
    std::vector<int64_t> shape = parameter->value.sizes().vec();
    shape[0] *= stored.parts;
    if (stored.transposed) std::swap(shape[0], shape[1]);
    return shape;
  }
};

class Loader {
 public:
  Loader(Transformer& model, const std::filesystem::path& folder)
      : model_(model), folder_(folder), files_(folder) {
    const Family& family = find_family(model.config().family, folder.string());
    const std::string_view prefix = family.optional_prefix;
    walk(model.modules(), [&](WeightRole role, int64_t layer, std::string_view kind, Parameter& p) {
      if (!p.value.defined()) return;
      StoredWeight stored = stored_weight(family, role, layer, kind);
      std::string name = stored.name;
      if (!files_.contains(name) && name.starts_with(prefix) &&
          files_.contains(name.substr(prefix.size()))) {
        name.erase(0, prefix.size());
      }
      sources_.push_back({&p, std::move(stored), std::move(name)});
    });
  }

  void load(at::ScalarType dtype, at::Device device) const {
    check();
    const auto options = at::TensorOptions().dtype(dtype).device(device);
    for (const Source& source : sources_) {
      at::Tensor from = files_.tensor(source.name);
      if (source.stored.transposed) from = from.t();
      const at::IntArrayRef shape = source.parameter->value.sizes();
      from = from.narrow(0, source.stored.part * shape[0], shape[0]);
      source.parameter->value = at::empty(shape, options).copy_(from);
    }
  }

  /// Collects every difference between what the model has and what the files hold.
  void check() const {
    std::vector<std::string> problems;
    std::set<std::string> wanted;
    for (const Source& source : sources_) {
      if (!wanted.insert(source.name).second) continue;
      if (!files_.contains(source.name)) {
        problems.push_back("missing: " + source.name + " " + shape_text(source.stored_shape()));
        continue;
      }
      const auto& entry = files_.entry(source.name);
      if (entry.shape != source.stored_shape()) {
        problems.push_back("wrong shape: " + source.name + " is " + shape_text(entry.shape) +
                           ", expected " + shape_text(source.stored_shape()));
      } else if (!at::isFloatingType(entry.dtype)) {
        problems.push_back("wrong dtype: " + source.name + " is " + at::toString(entry.dtype));
      }
    }
    for (const std::string& name : files_.names()) {
      if (wanted.contains(name) || is_buffer(name)) continue;
      if (name == "lm_head.weight" && model_.config().tied_head) {
        check_tied(problems);
      } else {
        problems.push_back("unexpected: " + name + " " + shape_text(files_.entry(name).shape));
      }
    }
    report(problems);
  }

 private:
  /// A tied head that is stored all the same must be the embedding.
  void check_tied(std::vector<std::string>& problems) const {
    const std::string& embedding = sources_.front().name;
    if (!files_.contains(embedding)) return;
    const at::Tensor head = files_.tensor("lm_head.weight"), table = files_.tensor(embedding);
    if (head.scalar_type() != table.scalar_type() || !at::equal(head, table)) {
      problems.push_back("lm_head.weight differs from " + embedding +
                         ", but config.json says tie_word_embeddings");
    }
  }

  void report(const std::vector<std::string>& problems) const {
    if (problems.empty()) return;
    std::string message =
        folder_.string() + ": the weights do not fit config.json (" + model_.config().family + "):";
    for (const std::string& problem : problems) message += "\n  " + problem;
    throw DataError(message);
  }

  Transformer& model_;
  std::filesystem::path folder_;
  WeightFiles files_;
  std::vector<Source> sources_;
};

}  // namespace

Transformer load_transformer(const std::filesystem::path& folder, at::ScalarType dtype,
                             at::Device device) {
  return load_transformer(read_transformer_config(folder), folder, dtype, device);
}

Transformer load_transformer(TransformerConfig config, const std::filesystem::path& folder,
                             at::ScalarType dtype, at::Device device) {
  Transformer model(std::move(config), dtype, at::kMeta);
  const Loader loader(model, folder);
  try {
    loader.load(dtype, device);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    const auto width = static_cast<int64_t>(c10::elementSize(dtype));
    throw Error("out of memory while " + folder.string() + " was loaded: its weights take " +
                format_bytes(width * parameter_count(model.config())) + " in " + dtype_name(dtype) +
                " on " + device.str() +
                "; a narrower dtype, another device or a smaller model needs less");
  }
  return model;
}

void check_weights(const std::filesystem::path& folder) {
  Transformer model(read_transformer_config(folder), at::kFloat, at::kMeta);
  Loader(model, folder).check();
}

}  // namespace distill
