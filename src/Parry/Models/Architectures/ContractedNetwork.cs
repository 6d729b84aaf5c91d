using static TorchSharp.torch;

namespace Parry.Models.Architectures;

/// <summary>
/// Wraps a network with an input contract as one that takes images in [0, 1] and gives logits of the classes only.
/// </summary>
internal sealed class ContractedNetwork : Network
{
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly InputContract _contract;

    public ContractedNetwork(nn.Module<Tensor, Tensor> network, InputContract contract) =>
        (_network, _contract) = (Child("network", network), contract);

    /// <summary>The network inside.</summary>
    public nn.Module<Tensor, Tensor> Inner => _network;

    public override Tensor forward(Tensor input)
    {
        using Tensor taken = _contract.ToModel(input).view_as(_contract.ToModel(input));
        using Tensor outputs = _network.forward(taken);
        return _contract.ToLogits(outputs).view_as(_contract.ToLogits(outputs));
    }

    public override string ToString() => $"ContractedNetwork({_network})";
}
