// The whole native side of Parry.Torch: a small C ABI over PyTorch's dispatcher, autograd, generators and TorchScript.
// Every exported function returns an error kind (0 is success) and, on failure, a message that the caller frees.
// Builds against LibTorch 1.13 and 2.x.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/ivalue.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/passes/tensorexpr_fuser.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/csrc/api/include/torch/version.h>

#include <dlfcn.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#define PARRY_EXPORT extern "C" __attribute__((visibility("default")))

namespace {

enum ErrorKind : int32_t {
  kOk = 0,
  kTorch = 1,
  kIndex = 2,
  kValue = 3,
  kType = 4,
  kNotImplemented = 5,
  kOutOfMemory = 6,
  kOther = 7,
};

enum ValueKind : int32_t {
  kNone = 0,
  kInt = 1,
  kDouble = 2,
  kBool = 3,
  kTensor = 4,
  kString = 5,
  kGenerator = 6,
  kDevice = 7,
  kIntList = 8,
  kDoubleList = 9,
  kTensorList = 10,
};

struct Value {
  int32_t kind;
  int32_t count;  // of a list or of a string's bytes
  union {
    int64_t integer;
    double number;
    void* pointer;
  };
};
static_assert(sizeof(Value) == 16, "the managed side lays a value out in 16 bytes");

struct Error {
  char* text;
  int64_t length;
};

int32_t fail(Error* error, ErrorKind kind, const char* text) {
  const size_t length = std::strlen(text);
  error->text = static_cast<char*>(std::malloc(length + 1));
  error->length = error->text ? static_cast<int64_t>(length) : 0;
  if (error->text) std::memcpy(error->text, text, length + 1);
  return kind;
}

bool out_of_memory(const char* text) {
  return std::strstr(text, "can't allocate memory") || std::strstr(text, "out of memory");
}

// The one place where C++ exceptions end: no function body stands outside it.
template <class Body>
int32_t guard(Error* error, Body&& body) noexcept {
  try {
    body();
    return kOk;
  } catch (const c10::IndexError& e) {
    return fail(error, kIndex, e.what_without_backtrace());
  } catch (const c10::ValueError& e) {
    return fail(error, kValue, e.what_without_backtrace());
  } catch (const c10::TypeError& e) {
    return fail(error, kType, e.what_without_backtrace());
  } catch (const c10::NotImplementedError& e) {
    return fail(error, kNotImplemented, e.what_without_backtrace());
  } catch (const c10::Error& e) {
    const char* text = e.what_without_backtrace();
    return fail(error, out_of_memory(text) ? kOutOfMemory : kTorch, text);
  } catch (const std::bad_alloc&) {
    return fail(error, kOutOfMemory, "out of memory");
  } catch (const std::exception& e) {
    return fail(error, kOther, e.what());
  } catch (...) {
    return fail(error, kOther, "an exception of unknown type");
  }
}

// c10::optional in 1.13, std::optional in later 2.x.
using MaybeTensor = decltype(c10::IValue().toOptional<at::Tensor>());

at::Tensor& tensor_at(void* pointer) { return *static_cast<at::Tensor*>(pointer); }

// An undefined tensor is a null pointer on the managed side.
void* own(at::Tensor tensor) { return tensor.defined() ? new at::Tensor(std::move(tensor)) : nullptr; }

c10::Device to_device(int64_t code) {
  return c10::Device(static_cast<c10::DeviceType>(code >> 8), static_cast<c10::DeviceIndex>(static_cast<int8_t>(code & 0xff)));
}

int64_t from_device(c10::Device device) {
  return (static_cast<int64_t>(device.type()) << 8) | static_cast<uint8_t>(device.index());
}

c10::IValue box(const Value& value, const c10::TypePtr& type, const c10::Argument& argument);

c10::IValue box_list(const Value& value, const c10::TypePtr& element, const c10::Argument& argument) {
  const auto* integers = static_cast<const int64_t*>(value.pointer);
  const auto* numbers = static_cast<const double*>(value.pointer);
  auto* const* tensors = static_cast<void* const*>(value.pointer);
  switch (element->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
      if (value.kind == kInt) return std::vector<int64_t>(argument.N().value_or(1), value.integer);
      if (value.kind == kIntList) return std::vector<int64_t>(integers, integers + value.count);
      break;
    case c10::TypeKind::BoolType:
      if (value.kind == kIntList) {
        c10::List<bool> list;
        for (int32_t i = 0; i < value.count; i++) list.push_back(integers[i] != 0);
        return list;
      }
      break;
    case c10::TypeKind::FloatType:
      if (value.kind == kDoubleList) return std::vector<double>(numbers, numbers + value.count);
      break;
    case c10::TypeKind::TensorType:
      if (value.kind == kTensorList) {
        c10::List<at::Tensor> list;
        for (int32_t i = 0; i < value.count; i++) list.push_back(tensors[i] ? tensor_at(tensors[i]) : at::Tensor());
        return list;
      }
      break;
    case c10::TypeKind::OptionalType:
      if (value.kind == kTensorList) {
        c10::List<MaybeTensor> list;
        for (int32_t i = 0; i < value.count; i++) {
          list.push_back(tensors[i] ? MaybeTensor(tensor_at(tensors[i])) : MaybeTensor());
        }
        return list;
      }
      break;
    default:
      break;
  }
  TORCH_CHECK_TYPE(false, "argument '", argument.name(), "' wants ", argument.type()->str(), ", not a value of kind ", value.kind);
}

// Boxes by what the schema really wants, never by the shape of the value.
c10::IValue box(const Value& value, const c10::TypePtr& type, const c10::Argument& argument) {
  if (type->kind() == c10::TypeKind::OptionalType) {
    if (value.kind == kNone) return c10::IValue();
    return box(value, type->expectRef<c10::OptionalType>().getElementType(), argument);
  }
  if (type->kind() == c10::TypeKind::ListType) {
    return box_list(value, type->expectRef<c10::ListType>().getElementType(), argument);
  }
  if (type->kind() == c10::TypeKind::FloatType && value.kind == kInt) return static_cast<double>(value.integer);
  if (type->kind() == c10::TypeKind::MemoryFormatType && value.kind == kInt) {
    TORCH_CHECK_VALUE(value.integer >= 0 && value.integer <= 3, "memory format ", value.integer, " does not exist");
  }
  switch (value.kind) {
    case kNone: return c10::IValue();
    case kInt: return value.integer;
    case kDouble: return value.number;
    case kBool: return value.integer != 0;
    case kTensor: return tensor_at(value.pointer);
    case kString: return std::string(static_cast<const char*>(value.pointer), static_cast<size_t>(value.count));
    case kGenerator: return *static_cast<at::Generator*>(value.pointer);
    case kDevice: return to_device(value.integer);
    default: break;
  }
  TORCH_CHECK_TYPE(false, "argument '", argument.name(), "' wants ", argument.type()->str(), ", not a list");
}

void unbox_tensor(at::Tensor tensor, Value* results, int32_t capacity, int32_t& count) {
  TORCH_CHECK(count < capacity, "more than ", capacity, " results");
  results[count++] = Value{kTensor, 0, {}};
  results[count - 1].pointer = own(std::move(tensor));
}

void unbox(c10::IValue& value, Value* results, int32_t capacity, int32_t& count) {
  if (value.isTensor()) return unbox_tensor(std::move(value).toTensor(), results, capacity, count);
  if (value.isTensorList()) {
    for (const at::Tensor& tensor : value.toTensorVector()) unbox_tensor(tensor, results, capacity, count);
    return;
  }
  TORCH_CHECK(count < capacity, "more than ", capacity, " results");
  Value& result = results[count++];
  result = Value{kNone, 0, {}};
  result.integer = 0;
  if (value.isInt()) {
    result.kind = kInt;
    result.integer = value.toInt();
  } else if (value.isDouble()) {
    result.kind = kDouble;
    result.number = value.toDouble();
  } else if (value.isBool()) {
    result.kind = kBool;
    result.integer = value.toBool();
  } else {
    TORCH_CHECK_TYPE(value.isNone(), "a result of type ", value.tagKind(), " is not carried over");
  }
}

struct Operator {
  c10::OperatorHandle handle;
  std::vector<c10::TypePtr> types;
};

}  // namespace

// ---- process

struct Info {
  int64_t size;
  int32_t value_size;
  int32_t version_major;
  int32_t version_minor;
  int32_t version_patch;
  int32_t scalar_float;
  int32_t scalar_double;
  int32_t scalar_half;
  int32_t scalar_bfloat16;
  int32_t scalar_long;
  int32_t scalar_bool;
  int32_t scalar_byte;
  int32_t scalar_int;
  int32_t format_channels_last;
  int32_t device_cuda;
  int32_t cuda_devices;
};

PARRY_EXPORT int32_t parry_info(Info* info, Error* error) {
  return guard(error, [&] {
    TORCH_CHECK(info->size == sizeof(Info), "the managed side was built for another version of this library");
    info->value_size = sizeof(Value);
    info->version_major = TORCH_VERSION_MAJOR;
    info->version_minor = TORCH_VERSION_MINOR;
    info->version_patch = TORCH_VERSION_PATCH;
    info->scalar_float = static_cast<int32_t>(c10::ScalarType::Float);
    info->scalar_double = static_cast<int32_t>(c10::ScalarType::Double);
    info->scalar_half = static_cast<int32_t>(c10::ScalarType::Half);
    info->scalar_bfloat16 = static_cast<int32_t>(c10::ScalarType::BFloat16);
    info->scalar_long = static_cast<int32_t>(c10::ScalarType::Long);
    info->scalar_bool = static_cast<int32_t>(c10::ScalarType::Bool);
    info->scalar_byte = static_cast<int32_t>(c10::ScalarType::Byte);
    info->scalar_int = static_cast<int32_t>(c10::ScalarType::Int);
    info->format_channels_last = static_cast<int32_t>(c10::MemoryFormat::ChannelsLast);
    info->device_cuda = static_cast<int32_t>(c10::DeviceType::CUDA);
    info->cuda_devices = at::hasCUDA() ? static_cast<int32_t>(at::getNumGPUs()) : 0;
  });
}

// Opens libtorch_cuda.so when it lies beside libtorch_cpu.so: the linker drops it because no symbol of it is used.
PARRY_EXPORT int32_t parry_load_cuda(Error* error) {
  return guard(error, [&] {
    Dl_info info;
    if (!dladdr(reinterpret_cast<void*>(&at::get_num_threads), &info) || !info.dli_fname) return;
    std::string path(info.dli_fname);
    path = path.substr(0, path.find_last_of('/') + 1) + "libtorch_cuda.so";
    if (FILE* file = std::fopen(path.c_str(), "rb")) {
      std::fclose(file);
      TORCH_CHECK(dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL), "cannot load ", path, ": ", dlerror());
    }
  });
}

PARRY_EXPORT int32_t parry_threads(int32_t set, int32_t* now, Error* error) {
  return guard(error, [&] {
    if (set > 0) at::set_num_threads(set);
    *now = at::get_num_threads();
  });
}

// What does matrix products: the path of the library that holds cblas_sgemm, and OpenBLAS's own description and thread count.
PARRY_EXPORT int32_t parry_blas(char* text, int64_t capacity, int32_t* threads, Error* error) {
  return guard(error, [&] {
    *threads = 0;
    Dl_info info;
    void* sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
    std::string found = sgemm && dladdr(sgemm, &info) && info.dli_fname ? info.dli_fname : "built into LibTorch";
    if (auto* config = reinterpret_cast<char* (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_config"))) {
      found += std::string(" (") + config() + ")";
    }
    if (auto* count = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "openblas_get_num_threads"))) *threads = count();
    std::snprintf(text, static_cast<size_t>(capacity), "%s", found.c_str());
  });
}

PARRY_EXPORT void parry_free_text(char* text) { std::free(text); }

// ---- operators

PARRY_EXPORT int32_t parry_operator_find(const char* name, const char* overload, void** found, int32_t* arguments, Error* error) {
  return guard(error, [&] {
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK_NOT_IMPLEMENTED(handle.has_value(), "LibTorch ", TORCH_VERSION, " has no operator ", name, ".", overload);
    auto* op = new Operator{*handle, {}};
    for (const auto& argument : handle->schema().arguments()) op->types.push_back(argument.real_type());
    *found = op;
    *arguments = static_cast<int32_t>(op->types.size());
  });
}

PARRY_EXPORT int32_t parry_operator_schema(void* op, char* text, int64_t capacity, Error* error) {
  return guard(error, [&] {
    std::stringstream stream;
    stream << static_cast<Operator*>(op)->handle.schema();
    std::snprintf(text, static_cast<size_t>(capacity), "%s", stream.str().c_str());
  });
}

PARRY_EXPORT int32_t parry_operator_call(void* op, const Value* arguments, int32_t argument_count, Value* results,
                                         int32_t capacity, int32_t* result_count, int32_t no_grad, Error* error) {
  *result_count = 0;
  const int32_t kind = guard(error, [&] {
    const Operator& called = *static_cast<Operator*>(op);
    const auto& schema = called.handle.schema();
    TORCH_CHECK_VALUE(static_cast<size_t>(argument_count) <= called.types.size(), "takes ", called.types.size(),
                      " arguments, not ", argument_count);
    torch::jit::Stack stack;
    stack.reserve(called.types.size());
    for (int32_t i = 0; i < argument_count; i++) {
      stack.push_back(box(arguments[i], called.types[i], schema.arguments()[i]));
    }
    schema.checkAndNormalizeInputs(stack, {});
    c10::AutoGradMode mode(no_grad == 0);
    called.handle.callBoxed(&stack);
    for (auto& result : stack) unbox(result, results, capacity, *result_count);
  });
  if (kind != kOk) {
    for (int32_t i = 0; i < *result_count; i++) {
      if (results[i].kind == kTensor) delete static_cast<at::Tensor*>(results[i].pointer);
    }
    *result_count = 0;
  }
  return kind;
}

// ---- tensors

struct TensorInfo {
  int32_t dtype;
  int32_t dimensions;
  int64_t device;
  int64_t elements;
  int32_t element_size;
  int32_t requires_grad;
};

PARRY_EXPORT int32_t parry_tensor_new(const void* data, const int64_t* sizes, int32_t dimensions, int32_t dtype, void** tensor, Error* error) {
  return guard(error, [&] {
    auto made = at::empty(c10::IntArrayRef(sizes, static_cast<size_t>(dimensions)),
                          at::TensorOptions().dtype(static_cast<c10::ScalarType>(dtype)));
    if (data) std::memcpy(made.data_ptr(), data, made.nbytes());
    *tensor = own(std::move(made));
  });
}

PARRY_EXPORT void parry_tensor_free(void* tensor) { delete static_cast<at::Tensor*>(tensor); }

PARRY_EXPORT int32_t parry_tensor_info(void* tensor, TensorInfo* info, int64_t* sizes, int32_t capacity, Error* error) {
  return guard(error, [&] {
    const at::Tensor& t = tensor_at(tensor);
    info->dtype = static_cast<int32_t>(t.scalar_type());
    info->dimensions = static_cast<int32_t>(t.dim());
    info->device = from_device(t.device());
    info->elements = t.numel();
    info->element_size = static_cast<int32_t>(t.element_size());
    info->requires_grad = t.requires_grad();
    TORCH_CHECK(t.dim() <= capacity, "a tensor of ", t.dim(), " dimensions; ", capacity, " are carried over");
    for (int64_t i = 0; i < t.dim(); i++) sizes[i] = t.size(i);
  });
}

// Copies a dense CPU tensor's elements out in row-major order.
PARRY_EXPORT int32_t parry_tensor_read(void* tensor, void* data, int64_t bytes, Error* error) {
  return guard(error, [&] {
    const at::Tensor source = tensor_at(tensor).detach().cpu().contiguous();
    TORCH_CHECK_VALUE(static_cast<int64_t>(source.nbytes()) == bytes, "the tensor has ", source.nbytes(), " bytes, not ", bytes);
    std::memcpy(data, source.data_ptr(), source.nbytes());
  });
}

PARRY_EXPORT int32_t parry_tensor_require_grad(void* tensor, int32_t required, Error* error) {
  return guard(error, [&] { tensor_at(tensor).set_requires_grad(required != 0); });
}

// ---- autograd

// Gradients of sum(outputs * output_gradients) with respect to inputs; an unused input's is null.
PARRY_EXPORT int32_t parry_grad(void* const* outputs, int32_t output_count, void* const* inputs, int32_t input_count,
                                void* const* output_gradients, int32_t retain_graph, int32_t create_graph, void** gradients, Error* error) {
  return guard(error, [&] {
    torch::autograd::variable_list of, with_respect_to, weights;
    for (int32_t i = 0; i < output_count; i++) {
      of.push_back(tensor_at(outputs[i]));
      if (output_gradients) weights.push_back(output_gradients[i] ? tensor_at(output_gradients[i]) : at::Tensor());
    }
    for (int32_t i = 0; i < input_count; i++) with_respect_to.push_back(tensor_at(inputs[i]));
    c10::AutoGradMode mode(true);
    auto result = torch::autograd::grad(of, with_respect_to, weights, retain_graph != 0, create_graph != 0, /*allow_unused=*/true);
    for (size_t i = 0; i < result.size(); i++) gradients[i] = own(std::move(result[i]));
  });
}

// ---- generators

PARRY_EXPORT int32_t parry_generator_new(int64_t device, int64_t seed, void** generator, Error* error) {
  return guard(error, [&] {
    auto made = at::globalContext().defaultGenerator(to_device(device)).clone();
    made.set_current_seed(static_cast<uint64_t>(seed));
    *generator = new at::Generator(std::move(made));
  });
}

PARRY_EXPORT void parry_generator_free(void* generator) { delete static_cast<at::Generator*>(generator); }

PARRY_EXPORT int32_t parry_generator_get_state(void* generator, void** state, Error* error) {
  return guard(error, [&] {
    auto& g = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    *state = own(g.get_state());
  });
}

PARRY_EXPORT int32_t parry_generator_set_state(void* generator, void* state, Error* error) {
  return guard(error, [&] {
    auto& g = *static_cast<at::Generator*>(generator);
    std::lock_guard<std::mutex> lock(g.mutex());
    g.set_state(tensor_at(state));
  });
}

// ---- TorchScript

// A loaded module is put into evaluation mode with frozen weights; profiling and the fuser are off (they make first calls slow, or hang).
PARRY_EXPORT int32_t parry_script_load(const char* path, int64_t device, void** script, Error* error) {
  return guard(error, [&] {
    torch::jit::getProfilingMode() = false;
    torch::jit::setTensorExprFuserEnabled(false);
    auto module = torch::jit::load(path, to_device(device));
    module.eval();
    for (at::Tensor parameter : module.parameters()) parameter.set_requires_grad(false);
    *script = new torch::jit::Module(std::move(module));
  });
}

PARRY_EXPORT int32_t parry_script_forward(void* script, void* input, int32_t no_grad, void** output, Error* error) {
  return guard(error, [&] {
    c10::AutoGradMode mode(no_grad == 0);
    auto result = static_cast<torch::jit::Module*>(script)->forward({tensor_at(input)});
    TORCH_CHECK_TYPE(result.isTensor(), "the TorchScript module returned ", result.tagKind(), ", not one tensor");
    *output = own(std::move(result).toTensor());
  });
}

// The weights and buffers by number, in the module's order; past the last one the tensor is null.
PARRY_EXPORT int32_t parry_script_weight(void* script, int64_t index, char* name, int64_t capacity, void** tensor, Error* error) {
  return guard(error, [&] {
    *tensor = nullptr;
    int64_t at = 0;
    for (const auto& weight : static_cast<torch::jit::Module*>(script)->named_attributes(/*recurse=*/true)) {
      if (!weight.value.isTensor() || at++ != index) continue;
      std::snprintf(name, static_cast<size_t>(capacity), "%s", weight.name.c_str());
      *tensor = own(weight.value.toTensor());
      return;
    }
  });
}

PARRY_EXPORT void parry_script_free(void* script) { delete static_cast<torch::jit::Module*>(script); }
