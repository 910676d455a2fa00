// Builds dist/track.js, which is committed: the edge carries it and needs no npm. Its hash goes into the README. A copy under its
// version goes into dist/released, where it stays, and a line with its hash into dist/released.txt: pages name the version they
// were made with, and edges carry all of them. Only one that was never committed may be taken out of both. With --check: compares
// instead; that the README and the lists of versions are right are tests of the edge.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const place = new URL('dist/track.js', import.meta.url);
const released = new URL('dist/released/', import.meta.url);
const ever = new URL('dist/released.txt', import.meta.url);
const list = new URL('../edge/src/script/released.rs', import.meta.url);
const readme = new URL('../README.md', import.meta.url);
const { outputFiles } = await build({
  absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
  entryPoints: ['src/track.js'],
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',
  banner: { js: '/*! Tracker track.js, Apache-2.0 */' },
  write: false,
});
const built = Buffer.from(outputFiles[0].contents);
if (process.argv.includes('--check')) {
  const there = await readFile(place);
  if (!built.equals(there)) {
    console.error('web/dist/track.js is not what web/src builds: run `make web`');
    process.exit(1);
  }
} else {
  await writeFile(place, built);
  const hash = createHash('sha384').update(built).digest();
  const name = `track.${hash.toString('hex').slice(0, 16)}.js`;
  await writeFile(new URL(name, released), built);
  const line = `/${name} sha384-${hash.toString('base64')}\n`;
  const lines = await readFile(ever, 'utf8');
  await writeFile(ever, lines.includes(line) ? lines : lines + line);
  const versions = (await readdir(released)).sort();
  const included = versions.map((version) => `    include_str!("../../../web/dist/released/${version}"),\n`);
  const old = await readFile(list, 'utf8');
  await writeFile(list, old.replace(/&\[\n[^\]]*\];/, `&[\n${included.join('')}];`));
  const text = await readFile(readme, 'utf8');
  const named = text.replace(/track\.[\da-f]{16}\.js/g, name);
  await writeFile(readme, named.replace(/sha384-[\w+/]{64}/g, `sha384-${hash.toString('base64')}`));
}
