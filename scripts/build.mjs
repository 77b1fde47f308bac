// npm run build [-- subscriber|worker|sandbox ...] [--dev]: builds what is named, or everything, into target/dist.
import { build } from './lib/build.mjs';
import { main } from './lib/cli.mjs';

main(async () => {
  const args = process.argv.slice(2);
  const dev = args.includes('--dev');
  await build(args.filter((arg) => arg !== '--dev'), { dev });
});
