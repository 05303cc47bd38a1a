import { audit as openAudit, type Audit } from '../audit/index.ts'
import { backupApi, type Backups } from '../backup/index.ts'
import type { KeyBundle } from '../engine/seal/index.ts'
import { currentSettings, refusalStore, type RefusalStore } from '../gateway/index.ts'
import { answer, assets, bindRoutes, html, serve, type Bound, type Door } from '../http/index.ts'
import { openIdentity, type Identity } from '../identity/index.ts'
import type { RecordActs } from '../kit/act.ts'
import type { Clock } from '../kit/clock.ts'
import { KhienError, StartError } from '../kit/errors.ts'
import type { Entropy } from '../kit/ids.ts'
import { inLanguage } from '../kit/i18n.ts'
import type { Listener } from '../kit/contract.ts'
import type { Log } from '../kit/log.ts'
import type { Mailer } from '../mail/index.ts'
import { openOutbox, type Outbox } from '../outbox/index.ts'
import { forgetOnce } from '../storage/sql/index.ts'
import { admission, hostsOf, matching } from './admission.ts'
import { backupsOf } from './backups.ts'
import type { Running } from './child.ts'
import type { NodeConfig } from './config.ts'
import { controlSocket } from './control-socket.ts'
import { citizenFrame, consoleFrame } from './frames.ts'
import { BEAT_MS, guarded, openFellows, type Fellows } from './fellows.ts'
import { smallSecrets, type SmallSecrets } from './key-small.ts'
import { diskCheck, health, type Checks } from './health.ts'
import { nodeMessages } from './messages.ts'
import { metrics as openMetrics } from './metrics.ts'
import { obtainKey, openKey } from './node-key.ts'
import { nodePages, nodeRoutes } from './node-pages.ts'
import { openBeside } from './roles/beside.ts'
import { ROLE_SLICES } from './roles/index.ts'
import { demoInvite, leaveMailKey, leaveServiceKey } from './demo-gifts.ts'
import { postOffice } from './post-office.ts'
import { secretsOf, type Secrets } from './secrets.ts'
import { checkKey } from './store-pair.ts'
import { openStores, type Stores } from './stores.ts'

export type NodeDeps = {
  readonly clock: Clock
  readonly entropy: Entropy
  readonly log: Log
  /** What to do when the stores may be another's: this process ends, and whoever watches it starts it again. */
  readonly end?: (why: StartError) => void
}

/** Everything a role's slices are opened with, once the node has its key. */
export type Opened = Omit<NodeDeps, 'end'> & {
  readonly config: NodeConfig
  readonly stores: Stores
  readonly secrets: Secrets
  readonly audit: Audit
  readonly record: RecordActs
  readonly identity: Identity
  readonly refusals: RefusalStore
  readonly outbox: Outbox
  readonly backups: Backups
  /** A figure for /metrics. */
  readonly gauge: (name: string, help: string, read: () => number | Promise<number>) => void
  /** Undefined when nobody named a mail server. */
  readonly mailer: Mailer | undefined
  readonly frames: {
    readonly console: ReturnType<typeof consoleFrame>
    readonly citizen: ReturnType<typeof citizenFrame>
  }
}
export type RoleSlices = {
  readonly rows: readonly Bound[]
  /** What our own processes tell and ask, by name. */
  readonly duties?: Readonly<Record<string, (body: unknown) => Promise<unknown>>>
  /** Public requests that are not ours to bind: TAXII has media types and errors of its own. Undefined: not one of them. */
  readonly foreign?: (request: Request, address: string) => Promise<Response> | undefined
  /** Keys in the store of keys that lie under an earlier key of the node. */
  readonly keysBehind?: () => Promise<number>
  /** What the node lives without for a while, but says: see `health`. */
  readonly checks?: Checks
  readonly jobs?: readonly { readonly name: string; readonly everyMs: number; readonly work: () => Promise<unknown> }[]
  readonly close?: () => Promise<unknown>
}

const SWEEP_MS = 60_000
const RENEW_MS = 5_000
/** Leaves that are compared with the store before anything is served: about half a second. */
const COMPARED_FIRST = 40_000
/** And again while it runs. */
const COMPARE_EVERY_MS = 6 * 3_600_000

/** Runs one node: one role, one controller, one folder. Sealed until it has its key, then serving. */
export async function startNode(config: NodeConfig, deps: NodeDeps): Promise<Running> {
  const { log } = deps
  // Whatever fails below, what was opened is closed again.
  await using stack = new AsyncDisposableStack()
  const beside = config.beside === true
  const stores = stack.use(await openStores(config, log, beside ? 'beside' : 'whole', deps.end ?? endProcess(log)))
  const refusals = refusalStore({ db: stores.db, clock: deps.clock })
  const gatewaySettings = currentSettings({ db: stores.db, clock: deps.clock })
  const outbox = openOutbox({ ...deps, db: stores.db })
  const metrics = openMetrics()
  let open:
    | {
        secrets: Secrets
        audit: Audit
        identity: Identity
        backups: Backups
        fellows: Fellows
        small: SmallSecrets
        slices: RoleSlices
        apps: Record<Listener, ReturnType<typeof bindRoutes>>
      }
    | undefined
  const frames = {
    console: consoleFrame({
      controller: config.controller,
      role: config.role,
      rail: ROLE_SLICES[config.role].rail,
      audit: () => open?.audit,
    }),
    citizen: citizenFrame({ controller: config.controller, contact: config.contact }),
  }
  const door = (listener: Listener): Door => ({
    authenticate: async (request, touch) =>
      (await open?.identity.authenticate(request, listener, touch)) ?? { kind: 'nobody' },
    fingerprint: () => open?.secrets.fingerprint,
    hosts: hostsOf(config, listener),
    ...(config.trustedProxies.length > 0 ? { trusts: matching(config.trustedProxies) } : {}),
    ...(listener === 'internal' ? { admits: admission(config.internalAllow), signIn: '/sign-in' } : {}),
    name: config.controller,
    log,
    count: metrics.request,
  })
  const checks = {
    sealed: async () => (open ? undefined : 'the node waits for its key'),
    store: async () => void (await stores.db.ping()),
    keys: async () => void (await stores.keysDb.ping()),
    disk: diskCheck(config.folder),
    log: async () => (open ? void (await open.audit.head()) : undefined),
  }
  metrics.gauge('khien_sealed', '1 while the node waits for its key', () => (open ? 0 : 1))
  metrics.gauge(
    'khien_log_leaves',
    'Signed leaves of the evidence log',
    async () => (await open?.audit.head().catch(() => undefined))?.size ?? 0,
  )
  for (const name of ['workers', 'requests', 'refused', 'upstreamErrors', 'dropped', 'forgotten'] as const) {
    metrics.gauge(
      `khien_gateway_${name.replace(/[A-Z]/g, (sign) => `_${sign.toLowerCase()}`)}`,
      `Gateway: ${name}`,
      () => refusals.figures()[name],
    )
  }
  const always = [
    ...health(checks, metrics, () => ({
      ...(beside ? {} : open?.backups.checks),
      ...open?.slices.checks,
      key: async () => open?.fellows.fileLacks(),
    })),
    ...assets,
  ]
  const sealedPage = answer(nodeRoutes.home, async (_, asked) => {
    const m = inLanguage(nodeMessages, asked.language)
    return frames.console(asked, {
      title: m.sealedTitle,
      path: '/',
      status: 503,
      body: html`<div class="entry">
        <h1>${m.sealedTitle}</h1>
        <p class="say">${m.sealedLead}</p>
      </div>`,
    })
  })
  const sealedApps = {
    internal: bindRoutes([...always, sealedPage], door('internal')),
    public: bindRoutes(assets, door('public')),
  }

  async function unseal(bundle: KeyBundle): Promise<void> {
    if (open) throw new KhienError('node/open', 'The node is unsealed already.', { status: 409 })
    const own = secretsOf(bundle, config.role, deps.entropy)
    await checkKey(stores.db, own.kekId)
    await checkKey(stores.keysDb, own.kekId)
    await using fellowship = new AsyncDisposableStack()
    const fellows = fellowship.use(await openFellows({ ...deps, ...stores, folder: config.folder, secrets: own }))
    using _beating = beatMeanwhile(fellows)
    const secrets = guarded(own, fellows)
    const audit = openAudit({
      ...deps,
      db: stores.db,
      folder: config.folder,
      origin: `khien/${secrets.node}`,
      signer: secrets.logSigner,
      copy: beside,
    })
    const { size } = await audit.reconcile('edge')
    const compared = audit.reconcile('full')
    // A long log is compared while the node serves; a contradiction then stops every act that must be recorded.
    if (size <= COMPARED_FIRST) await compared
    else
      compared.catch((error: unknown) =>
        log.error('audit.contradiction', { code: error instanceof KhienError ? error.code : 'failed' }),
      )
    const record: RecordActs = (trx, acts) => audit.record(trx as Parameters<Audit['record']>[0], acts)
    const identity = openIdentity({
      ...deps,
      db: stores.db,
      record,
      pepper: secrets.pepper,
      sealSmall: secrets.sealSmall,
      openSmall: secrets.openSmall,
      controller: config.controller,
      role: config.role,
      secure: {
        staff: config.internalOrigin.startsWith('https:'),
        person: config.publicOrigin.startsWith('https:'),
      },
    })
    const post = config.mail && (await postOffice(config.mail, stores.db, secrets, config.controller))
    if (post && config.demo) leaveMailKey(config, post.record)
    const mailer = post?.mailer
    const backups = backupsOf({ ...deps, config, stores, secrets, audit, record })
    // Of a running backup, as of all that is done once a node, the whole node takes care.
    if (!beside) await backups.recover()
    const opened: Opened = {
      ...deps,
      config,
      stores,
      secrets,
      audit,
      record,
      identity,
      refusals,
      outbox,
      backups,
      mailer,
      gauge: metrics.gauge,
      frames,
    }
    const slices = beside ? openBeside(opened) : await ROLE_SLICES[config.role].open(opened)
    const rows = [
      ...always,
      ...slices.rows,
      ...(beside ? [] : backupApi(backups)),
      ...nodePages({
        audit,
        role: config.role,
        controller: config.controller,
        publicOrigin: config.publicOrigin,
        folder: config.folder,
        frame: frames.console,
        demoKey: config.key.from === 'demo',
        receiptVkey: secrets.receiptVkey,
        hasAdministrator: identity.staff.hasAdministrator,
        keys: identity.keys,
      }),
    ]
    const on = (listener: Listener) =>
      rows.filter((row) => row.route.listener === listener || row.route.id.startsWith('assets.'))
    await stores.db.transaction((trx) =>
      record(trx, [
        { kind: 'node.opened', actor: 'node', result: 'done', facts: { role: config.role, key: secrets.kekId } },
      ]),
    )
    audit.start()
    outbox.start()
    const small = smallSecrets(stores, secrets)
    const smallJob = { name: 'node-secrets', everyMs: RENEW_MS, work: small.run }
    metrics.gauge('khien_node_secrets_behind', 'Secrets of the node still under a rotated key', small.left)
    const jobs = [...(beside ? [] : [...backups.jobs, smallJob]), ...(slices.jobs ?? [])]
    for (const { name, everyMs, work } of jobs) outbox.every(name, everyMs, work)
    outbox.every('fellows', BEAT_MS, fellows.beat)
    fellowship.move()
    open = {
      secrets,
      audit,
      identity,
      backups,
      fellows,
      small,
      slices,
      apps: {
        internal: bindRoutes(on('internal'), door('internal')),
        public: bindRoutes(on('public'), door('public')),
      },
    }
  }

  /** A one-time link for the first administrator, as long as there is none. */
  async function setupLink(): Promise<{ setupLink?: string }> {
    if (!open || beside || (await open.identity.staff.hasAdministrator())) return {}
    return {
      setupLink: `${config.internalOrigin}/setup?token=${await open.identity.staff.invite(['administrator'], 'host')}`,
    }
  }

  const bundle = await obtainKey(config)
  if (bundle) await unseal(bundle)
  if (open && config.demo && !beside) await leaveServiceKey(config, open.identity)

  const fetchOn = (listener: Listener) => ({
    fetch: (request: Request, env: object) =>
      (listener === 'public' ? open?.slices.foreign?.(request, peerOf(env)) : undefined) ??
      (open?.apps ?? sealedApps)[listener].fetch(request, env),
  })
  stack.defer(() => open?.audit[Symbol.asyncDispose]())
  stack.defer(async () => void (await open?.slices.close?.()))
  stack.defer(() => (beside ? undefined : open?.backups[Symbol.asyncDispose]()))
  stack.defer(() => open?.fellows[Symbol.asyncDispose]())
  stack.use(outbox)
  outbox.every('compare', COMPARE_EVERY_MS, async () => open?.audit.reconcile('full'))
  outbox.every('sweep', SWEEP_MS, () =>
    Promise.all([open?.identity.sessions.sweep(), forgetOnce(stores.db, deps.clock()), refusals.sweep()]),
  )
  stack.use(await serve(fetchOn('internal'), config.internal))
  stack.use(await serve(fetchOn('public'), config.public))
  stack.use(
    await controlSocket(config.folder, {
      async unseal(passphrase) {
        await unseal(await openKey(config.folder, passphrase))
        return { unsealed: true, ...(await setupLink()) }
      },
      async rotate(passphrase) {
        if (!open)
          throw new KhienError('sealed', 'The node is sealed: it takes the new key when it is unsealed.', {
            status: 503,
          })
        const id = await takeKeys(open, await openKey(config.folder, passphrase), config.folder)
        const act = { kind: 'node.key-rotated', actor: 'host', result: 'done' as const, facts: { key: id } }
        await stores.db.transaction((trx) => open!.audit.record(trx, [act]))
        return { key: id }
      },
      async retire() {
        if (!open) throw new KhienError('sealed', 'The node is sealed: unseal it first.', { status: 503 })
        const { id } = open.secrets.wrapping.current()
        await open.fellows.beat()
        const behind = (await open.small.behind()) + ((await open.slices.keysBehind?.()) ?? 0)
        if (behind > 0)
          throw new KhienError('key/behind', `${behind} keys and secrets lie under earlier keys still; try again in a while.`, { status: 409 }) // prettier-ignore
        // What lay under them is in the write-ahead logs still.
        await Promise.all([stores.db.forget(), stores.keysDb.forget()])
        const act = { kind: 'node.keys-retired', actor: 'host', result: 'done' as const, facts: { key: id } }
        await open.fellows.retire(id)
        await stores.db.transaction((trx) => open!.audit.record(trx, [act]))
        return { key: id }
      },
      async recover() {
        if (!open)
          throw new KhienError('sealed', 'The node is sealed: run ./bin/khien.js unseal first.', { status: 503 })
        return { link: `${config.internalOrigin}/setup?token=${await open.identity.staff.recover()}` }
      },
      refusals: async (lines) => void (await refusals.keep(lines)),
      async stats(figures) {
        refusals.hear(figures)
        return gatewaySettings.version()
      },
      settings: gatewaySettings.document,
      duty(name, body) {
        if (!open) throw new KhienError('sealed', 'The node is sealed.', { status: 503 })
        if (name === 'demo-invite' && config.demo) return demoInvite(open.identity, body)
        const duties: RoleSlices['duties'] = { ...(beside ? {} : open.backups.duties), ...open.slices.duties }
        return Object.hasOwn(duties, name) ? duties[name]!(body) : undefined
      },
    }),
  )
  const note = { sealed: open === undefined, demoKey: config.key.from === 'demo', ...(await setupLink()) }
  const owned = stack.move()
  return { note, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Takes what a key file holds by now; it wraps as soon as every process of the node has it. */
async function takeKeys(
  { secrets: { wrapping }, fellows }: { readonly secrets: Secrets; readonly fellows: Fellows },
  file: KeyBundle,
  folder: string,
): Promise<string> {
  const { id } = wrapping.current()
  if (![file.kekId, ...(file.rotated ?? []).map((one) => one.id)].includes(id))
    throw new StartError(
      'data/older-key',
      `The key.json in ${folder} lacks the key ${id} that this node uses: copy it from where the key was rotated, then rotate.`,
      { status: 409 },
    )
  // Who is here now had every key of before.
  await fellows.beat()
  wrapping.renew(file)
  await fellows.beat()
  return wrapping.known().at(-1)!
}

/** Opening may take longer than the others wait for a sign of life. */
function beatMeanwhile(fellows: Fellows): Disposable {
  const timer = setInterval(() => void fellows.beat().catch(() => undefined), BEAT_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const endProcess = (log: Log) => (why: StartError) => {
  log.error('node.ends', { code: why.code, todo: why.message })
  process.exit(1)
}

const peerOf = (env: object): string =>
  (env as { incoming?: { socket: { remoteAddress?: string } } }).incoming?.socket.remoteAddress ?? ''
