using Parry.Torch;
using Parry.Torch.Nn;

namespace Parry.Models.Architectures;

/// <summary>A network that takes images in its own way, seen as one that takes them in [0, 1] and gives logits of the classes only.</summary>
internal sealed class ContractedNetwork : Module
{
    private readonly Module _network;
    private readonly InputContract _contract;

    public ContractedNetwork(Module network, InputContract contract) => (_network, _contract) = (Child("network", network), contract);

    public override Tensor Forward(Tensor input)
    {
        using Tensor taken = _contract.ToModel(input).Alias();
        using Tensor outputs = _network.Forward(taken);
        return _contract.ToLogits(outputs).Alias();
    }

    public override string ToString() => $"ContractedNetwork({_network})";
}
