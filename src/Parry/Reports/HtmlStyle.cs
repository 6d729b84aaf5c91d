namespace Parry.Reports;

/// <summary>
/// The style sheet of the page. Vega draws its own colors into the SVG; the rules under <c>.chart</c> replace them with
/// the page's.
/// </summary>
internal static class HtmlStyle
{
    public const string Css = """
        :root {
          color-scheme: light dark;
          --page: #ffffff; --card: #f6f7f9; --ink: #171b21; --soft: #56606c; --rule: #dfe3e8;
          --none: #6b7480; --s1: #1f6fd6; --s2: #b3540f; --s3: #17795c; --s4: #8a3fb5; --s5: #a8841a; --s6: #c0366c;
          --good: #17714f; --bad: #b3261e; --alarm: #fff6e5; --alarm-rule: #d98a00;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #101317; --card: #191d23; --ink: #e9ecf0; --soft: #a3adb9; --rule: #2e353e;
            --none: #98a2ae; --s1: #6aa9ff; --s2: #f0924c; --s3: #4cc79d; --s4: #c98cf0; --s5: #dcb84a; --s6: #f57fab;
            --good: #5fd0a0; --bad: #ff8d84; --alarm: #2a2212; --alarm-rule: #d99a2b;
          }
        }
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
        main, header, footer { max-width: 68rem; margin: 0 auto; padding: 0 1.5rem; }
        header { padding-top: 3.5rem; }
        .brand { margin: 0 0 .75rem; color: var(--soft); font-size: .8125rem; font-weight: 600; letter-spacing: .08em; text-transform: uppercase; }
        h1 { margin: 0; font-size: clamp(1.75rem, 4.5vw, 2.75rem); line-height: 1.15; letter-spacing: -.02em; font-weight: 650; text-wrap: balance; overflow-wrap: anywhere; }
        .facts { margin: .75rem 0 0; color: var(--soft); overflow-wrap: anywhere; }
        h2 { margin: 4rem 0 .35rem; font-size: 1.375rem; line-height: 1.25; letter-spacing: -.01em; font-weight: 650; }
        h3 { margin: 2rem 0 .5rem; font-size: 1rem; font-weight: 650; overflow-wrap: anywhere; }
        .lead { margin: 0 0 1.25rem; max-width: 46rem; color: var(--soft); }
        small, .small { color: var(--soft); font-size: .8125rem; font-weight: 400; }

        .headlines { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; margin: 2.5rem 0 0; padding: 0; list-style: none; }
        .headlines li { display: flex; flex-direction: column; padding: 1.25rem 1.375rem 1.125rem; background: var(--card); border-radius: .75rem; }
        .headlines b { font-size: 2.125rem; line-height: 1.15; font-weight: 650; letter-spacing: -.025em; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .headlines span { margin: .35rem 0 .75rem; }
        .headlines small { margin-top: auto; }
        .notes { margin: 1.5rem 0 0; padding: 1rem 1.375rem; background: var(--alarm); border-left: 4px solid var(--alarm-rule); border-radius: .375rem; }
        .notes h2 { margin: 0; font-size: 1rem; }
        .notes ul { margin: .35rem 0 0; padding-left: 1.125rem; }
        .notes li { margin: .25rem 0; overflow-wrap: anywhere; }

        .scroll { overflow-x: auto; }
        .scroll + .scroll { margin-top: 2.5rem; }
        table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
        caption { padding: 0 0 .5rem; text-align: left; font-weight: 650; }
        th, td { padding: .6rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); font-weight: 400; }
        th:first-child, td:first-child { padding-left: 0; }
        th:last-child, td:last-child { padding-right: 0; }
        thead th { vertical-align: bottom; border-bottom-color: var(--soft); font-size: .875rem; font-weight: 600; line-height: 1.35; }
        thead small { display: block; }
        tbody th b { font-weight: 600; }
        tbody th small, td small { display: block; }
        .results td.number:nth-child(2):last-child { width: 75%; }
        .results tbody tr > th:first-child:not([rowspan]) { padding-left: .75rem; }
        thead .over > * { padding-bottom: .25rem; border-bottom: 0; }
        thead .over th { color: var(--s1); }
        .results td.number { width: 25%; min-width: 6.5rem; }
        .number b { font-weight: 600; }
        .bar { display: block; max-width: 13rem; height: .25rem; margin: .25rem 0 .2rem; border-radius: .125rem; background: linear-gradient(currentColor, currentColor) 0 0 / var(--part) 100% no-repeat, var(--rule); }
        .bar.u { color: var(--none); } .bar.s { color: var(--s1); opacity: .55; } .bar.a { color: var(--s1); }
        .missing { color: var(--soft); }
        .alarm { color: var(--bad); font-weight: 650; }
        .log { border-collapse: separate; border-spacing: 0; }
        .log, .log thead th { font-size: .8125rem; }
        .log th, .log td { padding: .4rem .45rem; white-space: nowrap; }
        .log th:first-child { padding-left: 0; position: sticky; left: 0; background: var(--page); }
        .log .r { text-align: right; }
        .log small { display: inline; font-size: .75rem; }

        .charts + .scroll { margin-top: 1.25rem; }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem; }
        .roc { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 2rem; align-items: center; }
        figure { margin: 0; padding: 1.125rem 1.25rem; background: var(--card); border-radius: .75rem; min-width: 0; }
        figcaption { margin-bottom: .75rem; font-weight: 600; overflow-wrap: anywhere; }
        figcaption small { display: block; }
        .legend { margin: 0 0 1rem; padding: 0; list-style: none; font-size: .875rem; line-height: 1.4; }
        .legend li { display: flex; gap: .625rem; padding: .0625rem 0; }
        .legend i { flex: none; width: 1.5rem; height: 0; margin-top: .6em; }
        .chart { width: 100%; }
        .chart svg { max-width: 100%; height: auto; overflow: visible; }
        .chart svg text { fill: var(--soft) !important; }
        .chart .role-axis-grid line { stroke: var(--rule) !important; }

        .gallery { margin-top: 1.25rem; }
        .gallery table { width: auto; }
        .gallery th, .gallery td { border: 0; padding: .375rem .65rem; text-align: center; vertical-align: top; font-size: .8125rem; line-height: 1.3; }
        .gallery thead th { border: 0; font-weight: 600; }
        .gallery tbody th { width: 6.5rem; padding-left: 0; padding-right: .75rem; text-align: left; color: var(--soft); background: var(--card); position: sticky; left: 0; }
        .gallery img { display: block; width: 5.25rem; max-width: 100%; min-width: 3.5rem; height: auto; margin: 0 auto .25rem; border-radius: .25rem; }
        .gallery img.tiny { image-rendering: pixelated; }
        .right { color: var(--good); } .wrong { color: var(--bad); font-weight: 600; }

        dl { display: grid; grid-template-columns: 9.5rem 1fr; gap: .5rem 1.5rem; margin: 1rem 0 0; }
        dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
        .guide dd { max-width: 48rem; }
        pre { margin: 0 0 1.5rem; padding: 1rem 1.25rem; background: var(--card); border-radius: .5rem; font: .8125rem/1.6 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
        footer { margin-top: 4rem; padding-top: 1.25rem; padding-bottom: 3rem; color: var(--soft); font-size: .8125rem; }

        @media (max-width: 40rem) {
          main, header, footer { padding-left: 1.125rem; padding-right: 1.125rem; }
          header { padding-top: 2rem; }
          .headlines { grid-template-columns: 1fr; gap: .75rem; margin-top: 1.75rem; }
          h2 { margin-top: 3rem; }
          th, td { padding: .55rem .4rem; }
          .results { font-size: .9375rem; }
          .results td.number { width: auto; min-width: 4.75rem; }
          .gallery th, .gallery td { padding: .375rem .25rem; }
          figure { padding: 1rem; }
          dl { grid-template-columns: 1fr; gap: .125rem; }
          dd { margin-bottom: .75rem; }
        }
        @media print {
          :root {
            color-scheme: light;
            --page: #fff; --card: #fff; --ink: #000; --soft: #444; --rule: #ccc; --none: #666; --s1: #1f6fd6; --s2: #b3540f; --s3: #17795c;
            --s4: #8a3fb5; --s5: #a8841a; --s6: #c0366c; --good: #17714f; --bad: #b3261e; --alarm: #fff;
          }
          * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
          body { font-size: 10.5pt; }
          header { padding-top: 0; }
          h2 { margin-top: 2rem; }
          h2, .lead { break-after: avoid; }
          figure, .headlines li { border: 1px solid var(--rule); }
          figure, tr, .headlines li, .notes { break-inside: avoid; }
          .scroll { overflow: visible; }
          .log { font-size: 7pt; }
          .log th, .log td { padding: .2rem .3rem; }
        }
        """;
}
