export * from './index.ts'
export { folderSpool } from './folder-spool.ts'
