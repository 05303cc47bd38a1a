import type { Role } from '../config.ts'
import type { RailEntry } from '../frames.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { openPlatform } from './platform.ts'
import { openAuthority } from './authority.ts'
import { rail } from './rail.ts'
import { openTelecom } from './telecom.ts'

type Open = (opened: Opened) => Promise<RoleSlices>

/** Which slices a role is made of. */
export const ROLE_SLICES: Readonly<Record<Role, { readonly rail: readonly RailEntry[]; readonly open: Open }>> = {
  platform: { rail, open: openPlatform },
  telecom: { rail, open: openTelecom },
  authority: { rail, open: openAuthority },
}
