// Builds dist/track.js, which is committed: the edge carries it and needs no npm. Its hash goes into the README. With --check:
// compares instead; that the README is right is a test of the edge.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const place = new URL('dist/track.js', import.meta.url);
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
  const text = await readFile(readme, 'utf8');
  const named = text.replace(/track\.[\da-f]{16}\.js/g, `track.${hash.toString('hex').slice(0, 16)}.js`);
  await writeFile(readme, named.replace(/sha384-[\w+/]{64}/g, `sha384-${hash.toString('base64')}`));
}
