// Proof: the server verifies its own journal; an export is verified elsewhere; the keys are what an auditor pins.
import { Checkbox, Drawer, NumberInput, Progress, Tabs, TextInput } from "@mantine/core";
import { IconCircleCheck, IconCircleX, IconDownload, IconProgressAlert } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, useJob, useMay, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { stringifySearch } from "@/frame/url";
import { ActionButton, Age, Empty, Facts, Ident, Instant, JobLink, Loading, Problem } from "@/parts";
import css from "./journal.module.css";
import { checkpointsQuery, keysQuery, MEANING, type Verification } from "./verdicts";
import type { Url } from "./search";

interface Props {
  url: Url;
  setUrl: (patch: Partial<Url>) => void;
}

export function Proof({ url, setUrl }: Props) {
  return (
    <Drawer opened={url.show !== undefined} onClose={() => setUrl({ show: undefined })} position="right" size="34rem" title="Prove it" closeButtonProps={{ "aria-label": "Close" }}>
      <Tabs value={url.show ?? "verify"} onChange={(show) => setUrl({ show: show as Url["show"] })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="verify">Verify</Tabs.Tab>
          <Tabs.Tab value="export">Export</Tabs.Tab>
          <Tabs.Tab value="keys">Keys and checkpoints</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="verify">
          <Verify url={url} setUrl={setUrl} />
        </Tabs.Panel>
        <Tabs.Panel value="export">
          <Export />
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <Keys />
        </Tabs.Panel>
      </Tabs>
    </Drawer>
  );
}

function Verify({ url, setUrl }: Props) {
  const [reason, setReason] = useState("");
  const verify = useWrite({
    send: (_: void, key) => ok(api.POST("/v1/journal/verify", { headers: { "Idempotency-Key": key }, body: { reason: reason.trim() } })),
    touches: ["jobs"],
    tellProblem: false,
  });
  const job = useJob(url.job);
  const running = job.data?.state === "running";
  const result = verify.data && "verdict" in verify.data ? verify.data : job.data?.state === "done" ? (job.data.result as unknown as Verification) : undefined;

  async function start() {
    setUrl({ job: undefined });
    const answer = await verify.mutateAsync().catch(() => undefined);
    if (answer && "id" in answer) setUrl({ job: String(answer.id) });
  }

  return (
    <div className={css.proof}>
      <p>The server reads every line, the evidence behind it and every checkpoint, and says whether they fit. This is the server looking at itself: for a proof to somebody else, export the journal and verify it elsewhere.</p>
      <form
        className="fl-stack"
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <TextInput label="Why you verify" description="Kept in the journal with the look you take." value={reason} maxLength={500} onChange={(event) => setReason(event.currentTarget.value)} />
        <div>
          <ActionButton type="submit" variant="filled" permission="journal.read" loading={verify.isPending} reason={running ? "a verification runs" : undefined}>
            Verify the journal
          </ActionButton>
        </div>
      </form>
      {verify.error && <Problem error={verify.error} retry={start} />}
      {job.error && <Problem error={job.error} retry={job.refetch} />}
      {running && job.data && <Running done={job.data.done} total={job.data.total} id={job.data.id} />}
      {job.data && (job.data.state === "failed" || job.data.state === "cancelled") && (
        <p role="alert">
          The verification {job.data.state === "failed" ? "failed" : "was cancelled"}: {job.data.attention ?? "no reason was given"}. <JobLink job={job.data.id}>See the job</JobLink>
        </p>
      )}
      {result && <Verdict found={result} />}
    </div>
  );
}

function Running({ done, total, id }: { done: number; total: number | null; id: string }) {
  const format = useFormat();
  return (
    <div role="status">
      <Progress value={total ? (100 * done) / total : 100} animated={!total} aria-label="Lines verified" />
      <p className="fl-dim">
        {format.number(done)}
        {total ? ` of ${format.number(total)}` : ""} lines verified. It goes on when you close this; <JobLink job={id}>the job</JobLink> keeps its answer.
      </p>
    </div>
  );
}

const MARK = { ok: IconCircleCheck, bad: IconCircleX, warn: IconProgressAlert };

function Verdict({ found }: { found: Verification }) {
  const format = useFormat();
  const keys = useQuery(keysQuery);
  const { tone, title, says } = MEANING[found.verdict];
  const Mark = MARK[tone];
  return (
    <section className={css.verdict} data-tone={tone} aria-live="polite" aria-label="Verdict">
      <h3>
        <Mark size={20} aria-hidden /> {title}
      </h3>
      <p>{says}</p>
      <Facts
        items={[
          ["Verdict", <code key="verdict">{found.verdict}</code>],
          ["The verifier says", found.detail],
          ["Lines that fit", format.number(found.lines)],
          ...(found.first_fault ? ([["First fault", `line ${format.number(found.first_fault.seq)}: ${found.first_fault.what}`]] as [string, string][]) : []),
          ["Head", <span key="head">line {format.number(found.head.seq)}, <Ident value={found.head.hash} /></span>],
          ["Newest checkpoint", found.checkpoint ? <span key="checkpoint">over {format.number(found.checkpoint.count)} lines, signed <Instant at={found.checkpoint.at} /></span> : "none of this installation's keys signed one"],
          ["Key", found.checkpoint ? <span key="key"><code>{found.checkpoint.key_id}</code>{keys.data && (keys.data.some((key) => key.key_id === found.checkpoint?.key_id) ? ", one of this installation's" : ", not among this installation's keys")}</span> : null],
          ["Looked at", <Instant key="at" at={found.at} />],
        ]}
      />
      <p className="fl-dim">{found.note}</p>
    </section>
  );
}

function Export() {
  const [reason, setReason] = useState("");
  const [first, setFirst] = useState<number | string>(1);
  const [evidence, setEvidence] = useState(true);
  const barred = useMay("journal.export");
  const keys = useQuery(keysQuery);
  const newest = keys.data?.[keys.data.length - 1];
  const why = barred ?? (reason.trim() ? undefined : "say why first: the export is a line of the journal itself");
  const href = `/v1/journal/export${stringifySearch({ first_seq: Number(first) > 1 ? Number(first) : undefined, evidence: evidence ? undefined : "false", reason: reason.trim() })}`;
  return (
    <div className={css.proof}>
      <p>Everything sealed until now as JSON Lines, with checkpoints, for an auditor who trusts neither this server nor its database. It holds digests in place of names and addresses.</p>
      <TextInput label="Why it is exported" description="Written into the journal." required value={reason} maxLength={500} onChange={(event) => setReason(event.currentTarget.value)} />
      <NumberInput size="sm" label="From line" description="1 is the whole journal." min={1} allowDecimal={false} value={first} onChange={setFirst} w={180} />
      <Checkbox label="With the evidence under Merkle roots" checked={evidence} onChange={(event) => setEvidence(event.currentTarget.checked)} />
      <div>
        <ActionButton variant="filled" leftSection={<IconDownload size={14} aria-hidden />} reason={why} onClick={() => download(href)}>
          Download journal.jsonl
        </ActionButton>
      </div>
      <section>
        <h3>Then verify it, on another machine</h3>
        {newest ? (
          <p>
            <Ident value={`fairlead journal verify journal.jsonl --key ${newest.public_key}`} />
          </p>
        ) : (
          <p className="fl-dim">A key is made with the first checkpoint.</p>
        )}
      </section>
    </div>
  );
}

/** A link with `download`: the browser writes the stream to disk, nothing is kept in the page. */
function download(href: string) {
  const link = document.createElement("a");
  link.href = href;
  link.download = "journal.jsonl";
  link.click();
}

function Keys() {
  const keys = useQuery(keysQuery);
  const checkpoints = useQuery(checkpointsQuery);
  const format = useFormat();
  if (keys.error) return <Problem error={keys.error} retry={keys.refetch} />;
  if (keys.isPending) return <Loading what="Reading the keys" />;
  return (
    <div className={css.proof}>
      <p>Pin the public key where you verify exports. Keep a checkpoint elsewhere from time to time: a journal that was cut back to before it can then be told.</p>
      <section>
        <h3>Public keys, Ed25519</h3>
        {keys.data.length === 0 && <Empty title="No key yet">It is made with the first checkpoint.</Empty>}
        {[...keys.data].reverse().map((key) => (
          <Facts key={key.key_id} items={[["Key", <code key="id">{key.key_id}</code>], ["Public key", <Ident key="public" value={key.public_key} />], ["Since", <Instant key="since" at={key.since} />]]} />
        ))}
      </section>
      <section>
        <h3>Newest checkpoints</h3>
        {checkpoints.error && <Problem error={checkpoints.error} retry={checkpoints.refetch} />}
        {checkpoints.isPending && <Loading what="Reading checkpoints" />}
        <ul className={css.checkpoints}>
          {checkpoints.data?.items.map((one) => (
            <li key={one.seq}>
              <b>{format.number(one.count)} lines</b> <Age at={one.at} what="Signed" />
              <div>
                head <Ident value={one.head} />
              </div>
              <div>
                signature <Ident value={one.signature} />
              </div>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
