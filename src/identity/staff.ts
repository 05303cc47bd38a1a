import type { StaffRole } from '../kit/contract.ts'
import { KhienError, badRequest } from '../kit/errors.ts'
import { newId, newSecret } from '../kit/ids.ts'
import { hashOf, type IdentityContext } from './context.ts'
import { hashPassword, spendAsMuch, verifyPassword } from './passwords.ts'
import type { IdentityTables } from './store.ts'
import { matchTotp, otpauth } from './totp.ts'

const LINK_LIVES_MS = 30 * 60_000
const MAX_FAILURES = 10
const HOST = 'host'
const LOCK_MS = 15 * 60_000
/** TCVN 14423:2026 level 3: an account unused for 45 days is locked; never the last administrator. */
const UNUSED_MS = 45 * 24 * 3_600_000

export type Enrolment = {
  readonly otpauth: string
  readonly secret: string
  readonly roles: readonly StaffRole[]
  readonly staff: string | null
}

/** The people who work for the controller: invitation, sign-in with password and one-time code, recovery. */
export function staffService(ctx: IdentityContext) {
  const { db, clock, entropy } = ctx
  const tables = () => db.tables<IdentityTables>()

  /** A one-time link's token for a new member, or for an existing one who lost password or device. */
  async function invite(roles: readonly StaffRole[], actor: string, existing?: string): Promise<string> {
    const token = newSecret(entropy)
    await db.transaction<IdentityTables, void>(async (trx) => {
      // The newest link of the host is the only one: an older print-out must not make a second administrator.
      if (actor === HOST)
        await trx.deleteFrom('invitation').where('made_by', '=', HOST).where('used_at', 'is', null).execute()
      await trx
        .insertInto('invitation')
        .values({
          token: hashOf(token),
          roles: roles.join(' '),
          staff: existing ?? null,
          made_by: actor,
          totp: ctx.sealSmall(entropy(20), `invitation:${hashOf(token)}`),
          expires_at: clock() + LINK_LIVES_MS,
          used_at: null,
        })
        .execute()
      const kind = existing === undefined ? 'staff.invited' : 'staff.recovery-opened'
      await ctx.record(trx, [
        { kind, actor, result: 'done', facts: { roles: roles.join(' '), ...(existing ? { staff: existing } : {}) } },
      ])
    })
    return token
  }

  const administrators = async (from: Pick<ReturnType<typeof tables>, 'selectFrom'>): Promise<string[]> => {
    const rows = await from.selectFrom('staff').select(['id', 'roles']).orderBy('created_at').execute()
    return rows.filter((row) => row.roles.split(' ').includes('administrator')).map((row) => row.id)
  }
  const hasAdministrator = async (): Promise<boolean> => (await administrators(tables())).length > 0

  /** What the setup page shows; the authenticator secret stays the same however often the page is opened. */
  async function enrolment(token: string): Promise<Enrolment> {
    const row = await openInvitation(token)
    const secret = ctx.openSmall(row.totp, `invitation:${row.token}`)
    const link = otpauth(secret, ctx.role, `Khiên ${ctx.controller}`)
    return {
      otpauth: link,
      secret: /secret=([A-Z2-7]+)/.exec(link)![1]!,
      roles: row.roles.split(' ') as StaffRole[],
      staff: row.staff,
    }
  }

  async function openInvitation(token: string) {
    const row = await tables()
      .selectFrom('invitation')
      .selectAll()
      .where('token', '=', hashOf(token))
      .executeTakeFirst()
    if (!row || row.used_at !== null || row.expires_at <= clock()) {
      throw linkSpent()
    }
    return row
  }

  /** Redeems a one-time link: sets name, password and authenticator of one member. */
  async function enrol(token: string, name: string, password: string, code: string): Promise<string> {
    const invitation = await openInvitation(token)
    const secret = ctx.openSmall(invitation.totp, `invitation:${invitation.token}`)
    if (invitation.staff === null && name === '')
      throw badRequest('identity/name-missing', 'Choose a sign-in name.', 'form.name')
    const step = matchTotp(secret, code, clock(), 0)
    if (step === undefined)
      throw badRequest('identity/wrong-code', 'The six digits do not match; check the time of your phone.', 'form.code')
    const now = clock()
    const id = invitation.staff ?? newId('stf', now, entropy)
    const hashed = await hashPassword(password, ctx.pepper, entropy)
    await db.transaction<IdentityTables, void>(async (trx) => {
      const used = await trx
        .updateTable('invitation')
        .set({ used_at: now })
        .where('token', '=', invitation.token)
        .where('used_at', 'is', null)
        .executeTakeFirst()
      if (Number(used.numUpdatedRows) !== 1) throw linkSpent()
      if (invitation.made_by === HOST && invitation.staff === null && (await administrators(trx)).length > 0)
        throw linkSpent()
      const fresh = {
        password: hashed,
        totp: ctx.sealSmall(secret, `staff:${id}`),
        totp_step: step,
        failures: 0,
        locked_until: 0,
        seen_at: now,
      }
      if (invitation.staff === null) {
        const taken = await trx.selectFrom('staff').select('id').where('name', '=', name).executeTakeFirst()
        if (taken)
          throw badRequest('identity/name-taken', 'Somebody already has this name here; choose another.', 'form.name')
        await trx
          .insertInto('staff')
          .values({ id, name, roles: invitation.roles, created_at: now, ...fresh })
          .execute()
      } else {
        await trx.updateTable('staff').set(fresh).where('id', '=', id).execute()
        await trx.deleteFrom('session').where('holder', '=', id).execute()
      }
      await ctx.record(trx, [
        {
          kind: invitation.staff === null ? 'staff.enrolled' : 'staff.recovered',
          actor: `staff:${id}`,
          result: 'done',
          facts: { roles: invitation.roles },
        },
      ])
    })
    return id
  }

  /** Checks name, password and code. Every failure answers alike; ten of them lock for fifteen minutes. */
  async function signIn(name: string, password: string, code: string): Promise<{ id: string; roles: StaffRole[] }> {
    const row = await tables().selectFrom('staff').selectAll().where('name', '=', name).executeTakeFirst()
    const now = clock()
    if (!row) {
      await spendAsMuch(password, ctx.pepper)
      await note('session.refused', 'nobody', 'unknown-name')
      throw wrong()
    }
    const roles = row.roles.split(' ') as StaffRole[]
    const unused = now - row.seen_at > UNUSED_MS && !(await isOnlyAdministrator(row.id))
    if (unused || !(await takeTry(row.id, now))) {
      await spendAsMuch(password, ctx.pepper)
      await note('session.refused', `staff:${row.id}`, unused ? 'unused-45-days' : 'locked')
      throw wrong()
    }
    const right = await verifyPassword(row.password, password, ctx.pepper)
    const step = right ? matchTotp(ctx.openSmall(row.totp, `staff:${row.id}`), code, now, row.totp_step) : undefined
    if (step === undefined) {
      await note('session.refused', `staff:${row.id}`, right ? 'wrong-code' : 'wrong-password')
      throw wrong()
    }
    // A code opens one session only, also when two requests race with it.
    const spent = await tables()
      .updateTable('staff')
      .set({ failures: 0, locked_until: 0, totp_step: step, seen_at: now })
      .where('id', '=', row.id)
      .where('totp_step', '<', step)
      .executeTakeFirst()
    if (Number(spent.numUpdatedRows) !== 1) throw wrong()
    return { id: row.id, roles }
  }

  const linkSpent = (): KhienError =>
    new KhienError('identity/link-spent', 'This one-time link was used or has expired. Ask for a new one.', {
      status: 410,
    })
  const wrong = (): KhienError =>
    new KhienError('identity/wrong', 'Name, password or code is wrong, or the account is locked.', { status: 401 })

  const note = (kind: string, actor: string, why: string): Promise<void> =>
    db.transaction(async (trx) => {
      await ctx.record(trx, [{ kind, actor, result: 'refused', facts: { why } }])
    })

  /**
   * Counts a try before it is judged, so that a crowd of tries at once gets no more than ten of them; the tenth locks
   * unless it succeeds. One statement, so that neither a race nor a crash leaves the count wrong.
   */
  async function takeTry(id: string, now: number): Promise<boolean> {
    const last = MAX_FAILURES - 1
    const taken = await tables()
      .updateTable('staff')
      .set((eb) => ({
        failures: eb
          .case()
          .when('failures', '>', last)
          .then(1)
          .else(eb('failures', '+', 1))
          .end(),
        locked_until: eb
          .case()
          .when('failures', '=', last)
          .then(now + LOCK_MS)
          .else(0)
          .end(),
      }))
      .where('id', '=', id)
      .where('locked_until', '<=', now)
      .executeTakeFirst()
    return Number(taken.numUpdatedRows) === 1
  }

  async function isOnlyAdministrator(id: string): Promise<boolean> {
    const all = await administrators(tables())
    return all.length === 1 && all[0] === id
  }

  /** Break-glass from the host: a one-time link for the oldest administrator, or for a first one. */
  async function recover(): Promise<string> {
    const oldest = (await administrators(tables()))[0]
    if (oldest === undefined) return invite(['administrator'], HOST)
    const { roles } = await tables()
      .selectFrom('staff')
      .select('roles')
      .where('id', '=', oldest)
      .executeTakeFirstOrThrow()
    return invite(roles.split(' ') as StaffRole[], HOST, oldest)
  }

  const list = () =>
    tables()
      .selectFrom('staff')
      .select(['id', 'name', 'roles', 'created_at', 'seen_at', 'locked_until'])
      .orderBy('created_at')
      .execute()

  /** Names by actor (`staff:stf_…`), as colleagues see them. */
  async function names(actors: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const ids = [...new Set(actors)].flatMap((actor) => (actor.startsWith('staff:') ? [actor.slice(6)] : []))
    if (ids.length === 0) return new Map()
    const rows = await tables().selectFrom('staff').select(['id', 'name']).where('id', 'in', ids).execute()
    return new Map(rows.map(({ id, name }) => [`staff:${id}`, name]))
  }

  return { invite, hasAdministrator, enrolment, enrol, signIn, recover, list, names }
}
