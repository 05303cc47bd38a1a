import { consentOf, groundAt } from '../law/index.ts'
import type { Transaction } from '../storage/sql/index.ts'
import type { ConsentContext } from './context.ts'
import type { Purpose } from './contract.ts'
import type { ConsentTables } from './store.ts'

/** One wish to use a person's data: these fields, for the purpose at hand, under this agreement if one is named. */
export type Wish = {
  readonly subject: string
  readonly fields: readonly string[]
  /** The record they lie in; `-` is the person's only one. */
  readonly record?: string
  readonly agreement?: string | undefined
}
export type Ruling =
  | { readonly lawful: true; readonly ground: string; readonly article: string; readonly version: number }
  | { readonly lawful: false; readonly code: string; readonly why: string }

/**
 * Decides for each wish whether a live ground carries it, inside the caller's transaction, so that ruling and record
 * are one. A consent counts in the version that was given: a purpose that later wants more fields has to ask again.
 */
export function groundService(ctx: ConsentContext) {
  // A handful of texts, read with every ruling and parsed once.
  const parsed = new Map<string, Purpose>()
  const parse = (text: string): Purpose => {
    const known = parsed.get(text)
    if (parsed.size > 500) parsed.clear()
    if (known) return known
    const purpose = JSON.parse(text) as Purpose
    parsed.set(text, purpose)
    return purpose
  }

  return async function rule(
    /** A transaction of the control store, whoever's tables it is typed by. */
    transaction: unknown,
    purposeId: string,
    wishes: readonly Wish[],
  ): Promise<Ruling[]> {
    const trx = transaction as Transaction<ConsentTables>
    // Out of the transaction itself, so that a text declared meanwhile, here or by another node, rules as one.
    const texts = await trx.selectFrom('purpose').select(['version', 'text']).where('id', '=', purposeId).execute()
    const versions = new Map(texts.map(({ version, text }) => [version, parse(text)]))
    const newest = Math.max(0, ...versions.keys())
    const purpose = versions.get(newest)
    const now = ctx.clock()
    if (!purpose) return wishes.map(() => refused('vault/unknown-purpose', `There is no purpose "${purposeId}".`))
    const law = groundAt(purpose.ground, now)
    if (!law) return wishes.map(() => refused('vault/no-law', 'No rule of law in force today knows this ground.'))
    const subjects = [...new Set(wishes.map((wish) => wish.subject))]
    const allowed = (version: number): Ruling & { lawful: true } => ({
      lawful: true,
      ground: purpose.ground,
      article: law.article.vi,
      version,
    })

    if (purpose.ground === 'law') return wishes.map((wish) => beyond(purpose.fields, wish) ?? allowed(newest))

    if (purpose.ground === 'agreement') {
      const rows = await trx
        .selectFrom('agreement')
        .select(['subject', 'ref', 'closed_at'])
        .where('subject', 'in', subjects)
        .where('kind', '=', purpose.agreement!)
        .execute()
      const all = new Set(rows.map((row) => `${row.subject} ${row.ref}`))
      const running = rows.filter((row) => row.closed_at === null)
      const open = new Set(running.flatMap((row) => [row.subject, `${row.subject} ${row.ref}`]))
      return wishes.map((wish) => {
        // A record named like an agreement is that agreement's: another one that still runs does not open it.
        const own = all.has(`${wish.subject} ${wish.record}`) ? wish.record : undefined
        const named = [own, wish.agreement].filter((ref) => ref !== undefined)
        const has =
          named.length === 0 ? open.has(wish.subject) : named.every((ref) => open.has(`${wish.subject} ${ref}`))
        return has
          ? (beyond(purpose.fields, wish) ?? allowed(newest))
          : refused(
              'vault/no-agreement',
              `No running agreement of kind "${purpose.agreement}" with this person carries this use.`,
            )
      })
    }

    const rows = await trx
      .selectFrom('consent')
      .select(['subject', 'version', 'given_at'])
      .where('subject', 'in', subjects)
      .where('purpose', '=', purposeId)
      .where('withdrawn_at', 'is', null)
      .execute()
    const given = new Map(rows.map((row) => [row.subject, row]))
    return wishes.map((wish) => {
      const row = given.get(wish.subject)
      if (row === undefined)
        return refused('vault/no-consent', 'This person has not agreed to this use, or has withdrawn.')
      // One that was given under an earlier rule rests on the article that keeps it valid.
      const article = consentOf(Number(row.given_at))?.vi ?? law.article.vi
      return beyond(versions.get(row.version)!.fields, wish) ?? { ...allowed(row.version), article }
    })
  }
}

const refused = (code: string, why: string): Ruling => ({ lawful: false, code, why })

function beyond(fields: readonly string[], wish: Wish): Ruling | undefined {
  const outside = wish.fields.find((field) => !fields.includes(field))
  return outside === undefined
    ? undefined
    : refused('vault/field-outside-purpose', `The purpose does not name the field ${outside}.`)
}
