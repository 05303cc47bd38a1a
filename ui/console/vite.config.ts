import { fileURLToPath } from 'node:url'
import type { InlineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** How the console is built into `outDir`. No inline script, style or font: the pages' policy would refuse them. */
export const viteConfig = (outDir: string): InlineConfig => ({
  configFile: false,
  root: here('.'),
  base: '/console/',
  publicDir: false,
  logLevel: 'error',
  resolve: {
    alias: [
      // Contracts bring paths and types; checking is the server's part, so its checker stays there.
      { find: /^zod$/, replacement: here('./src/no-zod.ts') },
      { find: /^node:crypto$/, replacement: here('./src/no-zod.ts') },
    ],
  },
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2023',
    assetsDir: 'files',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2_000,
  },
})
