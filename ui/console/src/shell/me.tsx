import { createContext, useContext, type ReactNode } from 'react'
import { meRoutes } from '../../../../src/identity/me/contract.ts'
import type { Route, StaffRole } from '../../../../src/kit/contract.ts'
import { useCall, type Got } from '../api.ts'

export type Me = Got<typeof meRoutes.me>
const Self = createContext<Me | undefined>(undefined)

export const useMeCall = () => useCall(meRoutes.me, {}, { every: 30_000 })
export const Being = ({ me, children }: { readonly me: Me; readonly children: ReactNode }) => (
  <Self value={me}>{children}</Self>
)

export function useMe(): Me {
  const me = useContext(Self)
  if (!me) throw new Error('outside of <Being>')
  return me
}

export const may = (me: Me, { access }: Pick<Route, 'access'>): boolean =>
  access.roles?.some((role: StaffRole) => me.roles.includes(role)) === true
/** Whether this person may call a row: what they may not is not shown. */
export const useMay = (route: Pick<Route, 'access'>): boolean => may(useMe(), route)
