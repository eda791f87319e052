import { compileMessage } from '@lingui/message-utils/compileMessage';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Catalogues hold ICU text; browsers get them compiled, so that no parser has to be shipped. */
function catalogues(): Plugin {
  return {
    name: 'dibs-catalogues',
    enforce: 'pre',
    transform(code, id) {
      if (!/\/src\/messages\/[\w-]+\.json$/.test(id)) return null;
      const texts = JSON.parse(code) as Record<string, string>;
      const compiled = Object.fromEntries(
        Object.entries(texts).map(([key, text]) => [key, compileMessage(text)]),
      );
      return { code: JSON.stringify(compiled), map: null };
    },
  };
}

const server = process.env['DIBS_SERVER'] ?? 'http://127.0.0.1:7070';

export default defineConfig({
  plugins: [catalogues(), react(), tailwindcss()],
  build: {
    target: 'es2023',
    sourcemap: false,
    assetsInlineLimit: 0,
  },
  worker: { format: 'es' },
  server: {
    host: '127.0.0.1',
    proxy: { '/v1': { target: server }, '/docs': { target: server }, '/openapi.json': server },
  },
});
