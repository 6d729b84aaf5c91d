using System.Collections.Frozen;

namespace Parry.Models.TorchScript;

/// <summary>
/// The operators and functions that the code of a TorchScript file may call: those that only compute. LibTorch runs
/// such code with the rights of the program, and others of its operators read and write files, print, change global
/// state, or trust what they are given.
/// </summary>
internal static class TorchScriptOperators
{
    private static readonly FrozenSet<string> s_aten = Words(
        // Arithmetic and functions of single elements.
        """
        abs absolute acos acosh add addcdiv addcmul angle arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin
        asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
        ceil celu clamp clamp_max clamp_min clip complex conj conj_physical copysign cos cosh deg2rad degrees digamma
        div divide divmod elu eq erf erfc erfinv exp exp2 expm1 fabs factorial fix float_power floor floor_divide
        floordiv fmax fmin fmod frac gamma gcd ge gelu glu greater greater_equal gt hardshrink hardsigmoid hardswish
        hardtanh heaviside hypot i0 igamma igammac imag isclose isfinite isinf isnan isneginf isposinf isreal lcm
        ldexp le leaky_relu lerp less less_equal lgamma log log10 log1p log2 log_sigmoid logaddexp logaddexp2
        logical_and logical_not logical_or logical_xor logit lt masked_fill mathremainder maximum minimum mish mul
        multiply nan_to_num ne neg negative nextafter not_equal polar polygamma positive pow prelu rad2deg radians
        real reciprocal relu relu6 remainder round rrelu rsqrt rsub selu sgn sigmoid sign signbit silu sin sinc sinh
        softplus softshrink special_entr special_erf special_erfc special_erfinv special_exp2 special_expit
        special_expm1 special_gammaln special_log1p special_logit special_ndtr special_ndtri special_round
        special_sinc special_xlog1py special_xlogy sqrt square sub subtract tan tanh threshold true_divide trunc where
        xlogy _add_relu _prelu_kernel
        """,
        // Reductions, sorting and counting.
        """
        all allclose amax amin aminmax any argmax argmin argsort argwhere bincount bucketize count_nonzero cummax
        cummin cumprod cumsum diff dist equal frobenius_norm histc isin kthvalue linalg_norm linalg_vector_norm
        logcumsumexp logsumexp max mean median min mode msort nanmean nanmedian nanquantile nansum nonzero
        nonzero_numpy norm norm_except_dim prod quantile searchsorted sort special_logsumexp std std_mean sum
        sum_to_size topk trace unique_consecutive unique_dim var var_mean _aminmax _unique _unique2
        """,
        // Products of matrices.
        """
        addbmm addmm addmv addr affine_grid_generator baddbmm bilinear bmm cdist chain_matmul cosine_similarity cross
        dot einsum ger inner inverse kron linalg_cross linalg_det linalg_inv linalg_matmul linalg_matrix_norm
        linalg_multi_dot linear matmul matrix_exp matrix_power mm mv outer pairwise_distance pdist tensordot trapezoid
        trapz vdot _addmm_activation _trilinear
        """,
        // Layers of networks, and losses.
        """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm binary_cross_entropy
        binary_cross_entropy_with_logits channel_shuffle col2im constant_pad_nd conv1d conv2d conv3d conv_tbc
        conv_transpose1d conv_transpose2d conv_transpose3d convolution cosine_embedding_loss cross_entropy_loss
        dropout embedding feature_alpha_dropout feature_dropout fractional_max_pool2d fractional_max_pool3d
        grid_sampler grid_sampler_2d grid_sampler_3d group_norm gru gru_cell hinge_embedding_loss huber_loss im2col
        instance_norm kl_div l1_loss layer_norm log_softmax lstm lstm_cell max_pool1d max_pool1d_with_indices
        max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices max_unpool2d max_unpool3d mse_loss
        nll_loss nll_loss2d nll_loss_nd one_hot pad pixel_shuffle pixel_unshuffle reflection_pad1d reflection_pad2d
        reflection_pad3d renorm replication_pad1d replication_pad2d replication_pad3d rms_norm rnn_relu rnn_relu_cell
        rnn_tanh rnn_tanh_cell scaled_dot_product_attention smooth_l1_loss soft_margin_loss softmax
        special_log_softmax special_softmax upsample_bicubic2d upsample_bilinear2d upsample_linear1d
        upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_trilinear3d __interpolate __upsample
        __upsample_bilinear __upsample_nearest _adaptive_avg_pool2d _adaptive_avg_pool3d _convolution
        _convolution_mode _log_softmax _native_multi_head_attention _pad_circular _pad_enum _softmax
        _transformer_encoder_layer_fwd _upsample_bicubic2d_aa _upsample_bilinear2d_aa _upsample_nearest_exact1d
        _upsample_nearest_exact2d _upsample_nearest_exact3d _weight_norm
        """,
        // Shapes, layouts and parts of tensors.
        """
        adjoint alias as_strided atleast_1d atleast_2d atleast_3d block_diag broadcast_tensors broadcast_to
        cartesian_prod cat chunk clone column_stack combinations concat concatenate contiguous copy detach diag
        diag_embed diagflat diagonal diagonal_scatter dsplit dstack expand expand_as fft_fft fft_fft2 fft_fftn
        fft_fftshift fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2
        fft_rfftn fill fill_diagonal flatten flip fliplr flipud gather hsplit hstack index index_add index_copy
        index_fill index_put index_select mH mT masked_scatter masked_select matrix_H meshgrid moveaxis movedim narrow
        numel numpy_T permute ravel repeat repeat_interleave reshape reshape_as resolve_conj resolve_neg roll rot90
        row_stack scatter scatter_add scatter_reduce select select_scatter slice slice_scatter split split_with_sizes
        squeeze stack stride swapaxes swapdims t take take_along_dim tensor_split tile transpose tril triu unbind
        unflatten unfold unsafe_chunk unsafe_split unsafe_split_with_sizes unsqueeze view view_as view_as_complex
        view_as_real vsplit vstack zero _shape_as_tensor
        """,
        // New tensors, numbers drawn at random, and conversions.
        """
        arange as_tensor bartlett_window bernoulli blackman_window cpu cuda empty empty_like exponential eye
        fft_fftfreq fft_rfftfreq full full_like hamming_window hann_window kaiser_window lift lift_fresh
        lift_fresh_copy linspace logspace multinomial new_empty new_full new_ones new_zeros normal ones ones_like rand
        rand_like randint randint_like randn randn_like random randperm range scalar_tensor tensor to to_dense
        tril_indices triu_indices type_as uniform vander zeros zeros_like _cast_Byte _cast_Char _cast_Double
        _cast_Float _cast_Half _cast_Int _cast_Long _cast_Short _no_grad_fill _no_grad_normal _no_grad_uniform
        _no_grad_zero
        """,
        // What a tensor is.
        """
        can_cast dense_dim device dim element_size get_autocast_dtype get_device has_torch_function
        is_autocast_cpu_enabled is_autocast_enabled is_complex is_conj is_contiguous is_floating_point is_grad_enabled
        is_inference is_leaf is_neg is_nonzero is_pinned is_same_size is_scripting is_signed item len promote_types
        qscheme requires_grad result_type retains_grad set_grad_enabled size storage_offset sym_numel sym_size
        sym_storage_offset sym_stride _is_zerotensor
        """,
        // Numbers, texts, lists and dictionaries.
        """
        Bool Complex ComplexImplicit Delete Float FloatImplicit Int IntImplicit ScalarImplicit Size append bin
        capitalize clear count dict endswith extend find format frexp get hex index insert isalnum isalpha isdecimal
        isdigit islower isnumeric isspace isupper items join keys list lower lstrip modf oct ord percentFormat pop
        popitem remove replace reverse rfind rsplit rstrip setdefault sorted split splitlines startswith str strip
        update upper values warn __and__ __contains__ __derive_index __getitem__ __is__ __isnot__ __lshift__ __not__
        __or__ __range_length __round_to_zero_floordiv __rshift__ __xor__ _assert_async _infer_size _list_to_tensor
        _local_scalar_dense _set_item _size_if_not_equal _tensor_to_list _unwrap_optional
        """,
        // Quantized tensors.
        """
        dequantize fake_quantize_per_channel_affine fake_quantize_per_tensor_affine int_repr q_per_channel_axis
        q_per_channel_scales q_per_channel_zero_points q_scale q_zero_point quantize_per_channel quantize_per_tensor
        quantize_per_tensor_dynamic
        """
    );

    private static readonly FrozenSet<string> s_prim = Words(
        """
        NumToTensor RaiseException TupleIndex abs data device dtype grad index is_cpu is_cuda is_meta is_mkldnn is_mps
        is_nested is_quantized is_sparse is_vulkan is_xla is_xpu itemsize layout max min name nbytes rangelist
        requires_grad shape type unchecked_unwrap_optional
        """
    );

    private static readonly FrozenSet<string> s_quantized = Words(
        """
        add add_relu add_scalar add_scalar_relu batch_norm batch_norm1d batch_norm1d_relu batch_norm2d
        batch_norm2d_relu batch_norm_relu cat cat_relu celu clamp conv1d conv1d_dynamic conv1d_prepack conv1d_relu
        conv1d_unpack conv2d conv2d_dynamic conv2d_prepack conv2d_relu conv2d_unpack conv_prepack conv_transpose2d
        conv_transpose2d_prepack conv_transpose2d_unpack conv_unpack dropout elu group_norm hardswish instance_norm
        layer_norm leaky_relu linear linear_dynamic linear_dynamic_fp16 linear_leaky_relu linear_prepack
        linear_prepack_fp16 linear_relu linear_relu_dynamic linear_tanh linear_unpack linear_unpack_fp16 matmul
        max_pool2d mul mul_relu mul_scalar mul_scalar_relu prelu relu6 sigmoid softmax threshold
        """
    );

    // Fields and methods that TorchScript gives to tensors without an operator of that name.
    private static readonly FrozenSet<string> s_members = Words(
        """
        H T byte cdouble cfloat char data device double dtype float grad half index int is_cuda is_meta is_mkldnn
        is_quantized is_sparse is_xpu itemsize layout long name nbytes ndim requires_grad shape short tolist type
        value
        """
    );

    private static readonly FrozenSet<string> s_functions = Words(
        """
        abs all any bool complex dict divmod enumerate float int len list max min ord pow range rangelist round sorted
        str sum tuple zip
        """
    );

    /// <summary>Whether <c>ops.NAMESPACE.name</c> is on the list; <c>torch.name</c> is that of "aten".</summary>
    public static bool Has(string space, string name) =>
        space switch
        {
            "aten" => IsIn(s_aten, name),
            "prim" => s_prim.Contains(name),
            "quantized" => IsIn(s_quantized, name),
            _ => false,
        };

    /// <summary>Whether what a value that is no object gives for <c>value.name</c> is on the list.</summary>
    public static bool HasMember(string name) => s_members.Contains(name) || Has("aten", name);

    /// <summary>Whether a function of Python that TorchScript knows, such as <c>len</c>, is on the list.</summary>
    public static bool HasFunction(string name) => s_functions.Contains(name);

    // An operator whose name ends with an underscore writes its result into its first argument.
    private static bool IsIn(FrozenSet<string> names, string name) =>
        names.Contains(name)
        || (name.EndsWith('_') && !name.EndsWith("__", StringComparison.Ordinal) && names.Contains(name[..^1]));

    private static FrozenSet<string> Words(params ReadOnlySpan<string> lists)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        foreach (string list in lists)
            words.UnionWith(list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return words.ToFrozenSet(StringComparer.Ordinal);
    }
}
