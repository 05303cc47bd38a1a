import { readFileSync, writeFileSync } from 'node:fs'
import { auditRoutes } from '../audit/contract.ts'
import { backupRoutes } from '../backup/index.ts'
import { caseRoutes, peopleRoutes, socRoutes } from '../cases/index.ts'
import { consentRoutes } from '../consent/index.ts'
import { detectionRoutes } from '../detection/index.ts'
import { exchangeRoutes } from '../exchange/index.ts'
import { gatewayRoutes } from '../gateway/index.ts'
import { openapi } from '../http/index.ts'
import { identityRoutes } from '../identity/index.ts'
import { meRoutes } from '../identity/me/index.ts'
import { intakeRoutes } from '../intake/index.ts'
import type { Route } from '../kit/contract.ts'
import { leakwatchRoutes } from '../leakwatch/index.ts'
import { rightsRoutes } from '../rights/index.ts'
import { subscriberRoutes } from '../subscribers/index.ts'
import { vaultRoutes } from '../vault/index.ts'
import type { Role } from './config.ts'
import { healthRoutes } from './health.ts'
import { nodeRoutes } from './node-pages.ts'

const ROOT = new URL('../../', import.meta.url)

const rows = (...tables: readonly Readonly<Record<string, Route>>[]): Route[] =>
  tables.flatMap((table) => Object.values(table))
const everyNode = rows(healthRoutes, nodeRoutes, identityRoutes, meRoutes, auditRoutes, exchangeRoutes, backupRoutes)
const controlRoom = rows(intakeRoutes, detectionRoutes, caseRoutes, socRoutes, peopleRoutes)
const peoplesData = rows(consentRoutes, vaultRoutes)

/** The rows each role serves; the generated tests and the document are made from the same lists. */
export const routesOf: Readonly<Record<Role, readonly Route[]>> = {
  platform: [...everyNode, ...controlRoom, ...peoplesData, ...rows(rightsRoutes, gatewayRoutes)],
  telecom: [...everyNode, ...controlRoom, ...peoplesData, ...rows(subscriberRoutes)],
  authority: [...everyNode, ...rows(leakwatchRoutes)],
}
const allRoutes: readonly Route[] = [...new Set(Object.values(routesOf).flat())]

export function openapiText(): string {
  const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string }
  return `${JSON.stringify(openapi(allRoutes, version), null, 2)}\n`
}

export const writeOpenapi = (): void => writeFileSync(new URL('openapi.json', ROOT), openapiText())
