using System.Buffers;
using Parry.Data.Files;
using Parry.Runtime;
using static TorchSharp.torch;

namespace Parry.Models.Http;

/// <summary>
/// A model served over HTTP. It gives scores, and is then an <see cref="IScorer"/>, or only labels, and never
/// gradients. Images are sent in requests of bounded size, several at a time, and answers can be cached on disk.
/// </summary>
public abstract class HttpModel : IPredictor, IDisposable
{
    private const long MostMetadata = 64 << 20;

    private readonly Endpoint _endpoint;
    private readonly IWireFormat _wire;
    private readonly HttpSettings _settings;
    private AnswerCache? _cache;
    private InputContract _contract;
    private int _width;
    private long _cached;
    private long _withoutScores;

    private HttpModel(Endpoint endpoint, IWireFormat wire, HttpSettings settings, InputContract contract) =>
        (_endpoint, _wire, _settings, _contract) = (endpoint, wire, settings, contract);

    /// <inheritdoc/>
    public ImageShape Shape => _wire.Shape;

    /// <inheritdoc/>
    public int Classes { get; private set; }

    /// <summary>How much the endpoint was used so far.</summary>
    public EndpointUse Use =>
        new(_endpoint.Counts.Sent, _endpoint.Counts.Requests, Interlocked.Read(ref _cached))
        {
            LearnedBatch = _endpoint.Batch.Learned,
            SecondsWaited = _endpoint.Waited.TotalSeconds,
            WithoutScores = Interlocked.Read(ref _withoutScores),
        };

    /// <summary>Whether its answers are kept, so that asking again costs nothing.</summary>
    internal bool KeepsAnswers => _cache is not null;

    /// <summary>What must be known of its cache, in sentences.</summary>
    internal IReadOnlyList<string> Notes => _cache?.Note is { } note ? [note] : [];

    /// <summary>Whether a model is named by an http:// or https:// URL.</summary>
    public static bool IsAddress(string model) => HttpFormat.Format.Matches(model);

    /// <summary>
    /// Connects to a model and sends it one image, all zeros, to see its answer. The caller owns the result.
    /// </summary>
    /// <param name="url">Its URL: http://HOST/v2/models/NAME in the Open Inference Protocol, also with /versions/V;
    /// with a template, the URL that the template extends.</param>
    /// <param name="settings">How it is asked.</param>
    /// <param name="contract">Its inputs and outputs, as far as they are known.</param>
    /// <param name="shape">The shape of the images it will be used on; null for that of the contract or of its
    /// metadata.</param>
    /// <param name="classes">How many classes these have; null for the number of its scores.</param>
    /// <param name="cancellation">Stops waiting for answers.</param>
    /// <returns>The model; an <see cref="IScorer"/> unless only labels are read.</returns>
    /// <exception cref="UserErrorException">The URL or a setting is not valid, or the model does not fit these
    /// images.</exception>
    /// <exception cref="EndpointException">The endpoint does not answer, or its answers cannot be used.</exception>
    public static HttpModel Open(
        Uri url,
        HttpSettings settings,
        InputContract contract,
        ImageShape? shape = null,
        int? classes = null,
        CancellationToken cancellation = default
    )
    {
        if (url.Scheme is not ("http" or "https"))
            throw new UserErrorException($"expected an http:// or https:// URL, got {url.Scheme}://");
        if (url.UserInfo.Length > 0)
            throw new UserErrorException(
                $"the URL of {Endpoint.Shown(new UriBuilder(url) { UserName = "", Password = "" }.Uri)} contains a "
                    + $"password: leave it out, and give --http token-env=NAME, an environment variable with a "
                    + $"bearer token"
            );
        var endpoint = new Endpoint(settings, url, cancellation);
        HttpModel? model = null;
        try
        {
            IWireFormat wire = Wire(endpoint, url, settings, contract, shape, classes);
            contract.CheckChannels(wire.Shape.Channels);
            model = settings.OnlyLabels
                ? new Labels(endpoint, wire, settings, contract)
                : new Scores(endpoint, wire, settings, contract);
            if (settings.Cache is { } folder)
                model._cache = AnswerCache.Open(
                    folder,
                    $"{(settings.OnlyLabels ? "labels" : "scores")} {wire.Identity}"
                );
            model.LookAtAnswers(Endpoint.Shown(url), classes);
            return model;
        }
        catch
        {
            ((IDisposable?)model ?? endpoint).Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public abstract Tensor Predict(Images images);

    /// <summary>Closes the connections and the cache.</summary>
    public void Dispose()
    {
        _endpoint.Dispose();
        _cache?.Dispose();
        GC.SuppressFinalize(this);
    }

    private static IWireFormat Wire(
        Endpoint endpoint,
        Uri url,
        HttpSettings settings,
        InputContract contract,
        ImageShape? shape,
        int? classes
    )
    {
        if (settings.Template is { } template)
        {
            ImageShape size =
                shape
                ?? contract.Size
                ?? throw new UserErrorException(
                    $"the size of the images that {Endpoint.Shown(url)} takes is not known: give --input-size CxHxW"
                );
            return new TemplateFormat(url, template, size, contract, settings.OnlyLabels);
        }

        Uri model = OpenInference.ModelAddress(url);
        OpenInference Read(byte[] metadata) => OpenInference.Of(model, metadata, shape, classes, contract, settings);
        string? kept = settings.Cache is null ? null : AnswerCache.PathOf(settings.Cache, model.ToString(), "metadata");
        if (File.Exists(kept))
            return Kept(kept, Read);
        return Wait(
            endpoint.Ask(
                model,
                null,
                0,
                metadata =>
                {
                    OpenInference wire = Read(metadata);
                    if (kept is not null)
                        AtomicFile.Write(kept, stream => stream.Write(metadata));
                    return wire;
                }
            )
        )!;
    }

    private static OpenInference Kept(string file, Func<byte[], OpenInference> read)
    {
        try
        {
            return read(RegularFile.ReadBytes(file, MostMetadata));
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new UserErrorException(
                $"{file}, which keeps what the server said of its model, is damaged: remove it, and the server is "
                    + "asked again",
                e
            );
        }
    }

    private float[] Read(byte[] answer, int count)
    {
        float[] read = _wire.Read(JsonNumbers.WithNulls(answer), count);
        return _width == 0 || read.Length == _width * count
            ? read
            : throw new InvalidDataException(
                $"expected {_width} numbers for each image as before, got {read.Length / count}"
            );
    }

    // Only workers and other threads of callers may block here; pool threads, on which answers arrive, never do.
    private static void Wait(Task task) => task.ConfigureAwait(false).GetAwaiter().GetResult();

    private static T Wait<T>(Task<T> task) => task.ConfigureAwait(false).GetAwaiter().GetResult();

    private void LookAtAnswers(string at, int? classes)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        float[] first = Ask(zeros([1, Shape.Channels, Shape.Height, Shape.Width]));
        if (!Array.TrueForAll(first, IsTold))
        {
            // It may divide by the contrast of an image.
            first = Ask(linspace(0, 1, Shape.Pixels).reshape(1, Shape.Channels, Shape.Height, Shape.Width));
            if (!Array.TrueForAll(first, IsTold))
                throw new UserErrorException(
                    $"{at} returns scores that are not finite: check how it takes images (--mean, --std, --range)"
                );
        }

        _width = first.Length;
        bool probable = first.Length == 1 ? first[0] is >= 0 and <= 1 : InputContract.IsDistribution(first);
        _contract = _contract with
        {
            Outputs = _wire.Outputs ?? (probable ? OutputKind.Probabilities : OutputKind.Logits),
        };
        int? told = _settings.OnlyLabels ? null : _contract.ClassesOf(_width);
        if ((told ?? classes ?? _contract.ClassNames?.Count) is not { } number)
            throw new UserErrorException(
                $"{at} returns labels and does not say how many classes there are: give data with these classes"
            );
        Classes = number;
        if (classes is { } wanted && wanted != Classes)
            throw new UserErrorException(
                $"{at} has {Classes} classes, expected {wanted}: give data with these classes, or another model"
            );
        if (Classes < 2)
            throw new UserErrorException($"{at} has {Classes} classes, expected at least 2: give a classifier");
        if (_settings.OnlyLabels && first[0] >= Classes)
            throw new UserErrorException(
                $"{at} returned the label {first[0]}; expected 0 to {Classes - 1}: give data with the model's classes"
            );
    }

    private bool IsTold(float value) => float.IsFinite(value) && !(_settings.OnlyLabels && value == Predictions.None);

    // Gets one row of numbers for each image, from the cache or the endpoint; sends equal images only once.
    private float[] Ask(Tensor images)
    {
        int count = (int)images.size(0);
        if (count == 0)
            return [];
        float[] sent = _wire.ToWire(images).ToArray<float>();
        int size = sent.Length / count;
        var answers = new float[count][];
        var asked = new List<int>();
        byte[][]? keys = null;
        int[] sameAs = [.. Enumerable.Range(0, count)];
        if (_cache is not null)
        {
            keys = [.. sameAs.Select(row => AnswerCache.KeyOf(sent.AsSpan(row * size, size)))];
            var rows = new Dictionary<UInt128, int>();
            for (int row = 0; row < count; row++)
            {
                sameAs[row] = rows.TryAdd(AnswerCache.Short(keys[row]), row) ? row : rows[AnswerCache.Short(keys[row])];
                if (sameAs[row] == row && (answers[row] = _cache.Find(keys[row])!) is null)
                    asked.Add(row);
            }

            Interlocked.Add(ref _cached, count - asked.Count);
        }
        else
        {
            asked.AddRange(sameAs);
        }

        if (asked.Count > 0)
            Wait(Send(asked));
        return [.. sameAs.SelectMany(row => answers[row])];

        // Use as few requests as possible, of about equal size.
        Task Send(List<int> rows)
        {
            int requests = Workers.PieceCount(rows.Count, Math.Min(_endpoint.Batch.Most, _wire.MostImages));
            return Task.WhenAll(
                Enumerable
                    .Range(0, requests)
                    .Select(i =>
                        rows[(int)((long)rows.Count * i / requests)..(int)((long)rows.Count * (i + 1) / requests)]
                    )
                    .Select(piece => Task.Run(() => SendOne(piece)))
            );
        }

        async Task SendOne(List<int> rows)
        {
            float[]? found = await _endpoint
                .Ask(_wire.Address, () => Written(rows), rows.Count, answer => Read(answer, rows.Count))
                .ConfigureAwait(false);
            if (found is null)
            {
                await Send(rows).ConfigureAwait(false);
                return;
            }

            int width = found.Length / rows.Count;
            Interlocked.Add(ref _withoutScores, found.Chunk(width).Count(row => !Array.TrueForAll(row, IsTold)));
            for (int i = 0; i < rows.Count; i++)
                answers[rows[i]] = found[(i * width)..((i + 1) * width)];
            if (keys is not null)
                _cache!.Add([.. rows.Select(row => keys[row])], found);
        }

        ReadOnlyMemory<byte> Written(List<int> rows)
        {
            var body = new ArrayBufferWriter<byte>((rows.Count * size * 10) + 1024);
            var values = new float[rows.Count * size];
            for (int i = 0; i < rows.Count; i++)
                sent.AsSpan(rows[i] * size, size).CopyTo(values.AsSpan(i * size));
            _wire.Write(body, values, rows.Count);
            return body.WrittenMemory;
        }
    }

    private sealed class Labels(Endpoint endpoint, IWireFormat wire, HttpSettings settings, InputContract contract)
        : HttpModel(endpoint, wire, settings, contract)
    {
        public override Tensor Predict(Images images) =>
            tensor(Ask(images.Pixels).Select(label => (long)label).ToArray());
    }

    private sealed class Scores(Endpoint endpoint, IWireFormat wire, HttpSettings settings, InputContract contract)
        : HttpModel(endpoint, wire, settings, contract),
            IScorer
    {
        public Tensor Probabilities(Images images) => Of(images.Pixels, logits => logits.softmax(-1));

        public override Tensor Predict(Images images) => Of(images.Pixels, Predictions.OfScores);

        private Tensor Of(Tensor images, Func<Tensor, Tensor> answer)
        {
            using var scope = NewDisposeScope();
            return scope.MoveToOuter(answer(_contract.ToLogits(tensor(Ask(images), [images.size(0), _width]))));
        }
    }
}
