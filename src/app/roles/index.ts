import type { Role } from '../config.ts'
import type { RailEntry } from '../frames.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { openPlatform, platformRail } from './platform.ts'
import { openAuthority } from './authority.ts'
import { watchingRail } from './rail.ts'
import { openTelecom } from './telecom.ts'

/** Which slices a role is made of. */
export const ROLE_SLICES: Readonly<
  Record<Role, { readonly rail: readonly RailEntry[]; open(opened: Opened): Promise<RoleSlices> }>
> = {
  platform: { rail: platformRail, open: openPlatform },
  telecom: { rail: watchingRail, open: openTelecom },
  authority: { rail: watchingRail, open: openAuthority },
}
