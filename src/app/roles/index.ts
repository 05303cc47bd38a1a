import type { Role } from '../config.ts'
import type { RailEntry } from '../frames.ts'
import type { Opened, RoleSlices } from '../node.ts'
import { openPlatform } from './platform.ts'
import { openAuthority } from './authority.ts'
import { rail } from './rail.ts'
import { openTelecom } from './telecom.ts'

type Open = (opened: Opened) => Promise<RoleSlices>
const opening =
  (open: (opened: Opened) => Promise<Omit<RoleSlices, 'sections'>>): Open =>
  async (opened) => ({ ...(await open(opened)), sections: undefined })

/** Which slices a role is made of. */
export const ROLE_SLICES: Readonly<Record<Role, { readonly rail: readonly RailEntry[]; readonly open: Open }>> = {
  platform: { rail, open: opening(openPlatform) },
  telecom: { rail, open: opening(openTelecom) },
  authority: { rail, open: opening(openAuthority) },
}
