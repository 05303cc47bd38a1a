import { readFileSync, writeFileSync } from 'node:fs'
import { consentRoutes } from '../consent/index.ts'
import { gatewayRoutes } from '../gateway/index.ts'
import { openapi } from '../http/index.ts'
import { identityRoutes } from '../identity/index.ts'
import type { Route } from '../kit/contract.ts'
import { rightsRoutes } from '../rights/index.ts'
import { vaultRoutes } from '../vault/index.ts'
import { healthRoutes } from './health.ts'
import { nodeRoutes } from './node-pages.ts'

const ROOT = new URL('../../', import.meta.url)

/** Every row of every contract; the generated tests and the document are made from the same list. */
export const allRoutes: readonly Route[] = [
  healthRoutes,
  nodeRoutes,
  identityRoutes,
  consentRoutes,
  vaultRoutes,
  rightsRoutes,
  gatewayRoutes,
].flatMap((table) => Object.values(table))

export function openapiText(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }
  return `${JSON.stringify(openapi(allRoutes, version), null, 2)}\n`
}

export const writeOpenapi = (): void => writeFileSync(new URL('openapi.json', ROOT), openapiText())
