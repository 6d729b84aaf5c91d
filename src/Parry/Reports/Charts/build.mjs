// Bundles charts.js and the libraries it uses into one script that can stand inside a page:
//   node build.mjs OUTPUT
import { readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const output = process.argv[2];
const bundle = await build({
  entryPoints: ["charts.js"],
  bundle: true,
  format: "iife",
  minify: true,
  target: "es2020",
  legalComments: "none", // licenses() has the full texts
  write: false,
});

const script = bundle.outputFiles[0].text + licenses();

// Either sequence would end, or swallow, the script element that holds the bundle.
const breakout = script.match(/<\/script|<!--/i);
if (breakout) {
  throw new Error(`the bundle holds "${breakout[0]}" and cannot stand inside a page`);
}

writeFileSync(`${output}.new`, script);
renameSync(`${output}.new`, output);

// One comment with the license of every package installed for the bundle. The bundle need not hold all of them, but
// some packages come with copies of their own dependencies, so the bundler alone cannot tell. Equal texts are shared.
function licenses() {
  const namesByText = new Map();
  for (const folder of readdirSync("node_modules")) {
    if (/^[.@]|^esbuild$/.test(folder)) {
      continue; // nothing of npm's own files, type declarations and the bundler itself gets into the bundle
    }

    const path = `node_modules/${folder}`;
    const { version } = JSON.parse(readFileSync(`${path}/package.json`, "utf8"));
    const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name));
    if (!file) {
      throw new Error(`${folder} ${version} has no license file`);
    }

    const text = readFileSync(`${path}/${file}`, "utf8").trim();
    namesByText.set(text, [...(namesByText.get(text) ?? []), `${folder} ${version}`]);
  }

  const sections = [...namesByText].map(([text, names]) => `${names.join(", ")}\n\n${text}`);
  return `/*!\nMade from the following packages and those they depend on.\n\n${sections.join("\n\n----\n\n")}\n*/\n`;
}
