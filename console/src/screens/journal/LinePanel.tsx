// One line, whole: who, what, when, where from, why; its payload, its evidence, its place in the chain.
import { ActionIcon, TextInput, Tooltip } from "@mantine/core";
import { IconFilter, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { api, ok, useWrite } from "@/api/queries";
import { useFormat } from "@/frame/format";
import { ActionButton, Age, ChangeLink, Facts, Ident, Instant, Json, StateBadge, wordsOf } from "@/parts";
import css from "./journal.module.css";
import type { Line } from "./lines";
import { newestCheckpointQuery } from "./verdicts";
import { Actor, actionWords, Subject, toneOfAction } from "./words";

const DOOR: Record<string, string> = {
  session: "a person's session",
  token: "a token",
  policy: "a policy of its own accord",
  system: "Fairlead itself",
  unknown: "not known",
};

export function LinePanel({ line, onClose }: { line: Line; onClose: () => void }) {
  const format = useFormat();
  const checkpoint = useQuery(newestCheckpointQuery);
  const signed = checkpoint.data?.items[0];
  const personal = Object.entries(line.personal);
  return (
    <aside className={css.side} aria-label="The line that is open">
      <header className={css.sideHead}>
        <div>
          <h2>
            <StateBadge state="" tone={toneOfAction(line.action)} label={actionWords(line.action)} />
          </h2>
          <span className="fl-dim">
            <Instant at={line.at} /> · <Age at={line.at} />
          </span>
        </div>
        <Tooltip label="Close (Escape)">
          <ActionIcon variant="subtle" color="gray" aria-label="Close the line" onClick={onClose}>
            <IconX size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      <div className={css.sideBody}>
        <Facts
          items={([
            ["Who", <span key="who"><Actor actor={line.actor} copy /> <Only search={{ actor: line.actor }} what="this actor" /></span>],
            ["What", <span key="what"><code>{line.action}</code> <Only search={{ action: line.action }} what="this action" /></span>],
            ["About", <span key="about"><Subject kind={line.subject_kind} id={line.subject_id} whole /> <Only search={{ subject_kind: line.subject_kind, subject_id: line.subject_id }} what="this subject" /></span>],
            ["Of the Change", line.change && <span key="change"><ChangeLink change={line.change} /> <Only search={{ change: line.change }} what="this Change" /></span>],
            ["Why", line.reason || <span key="why" className="fl-dim">no reason was given</span>],
            ["Where from", <span key="door">{DOOR[line.origin.door] ?? line.origin.door}{line.origin.address ? ", its address is kept as a digest" : ""}</span>],
            ["When", format.exact(line.at)],
          ] as [string, ReactNode][]).filter(([name]) => name !== "Of the Change" || (line.change !== null && line.change !== line.subject_id))}
        />
        <section>
          <h3>Payload</h3>
          {Object.keys(line.payload).length > 0 ? <Json value={line.payload} label="Payload" /> : <span className="fl-dim">empty</span>}
        </section>
        {personal.length > 0 && <Personal key={line.id} personal={personal} />}
        <section>
          <h3>Evidence</h3>
          {line.evidence ? (
            <>
              <Facts items={[["Pieces", format.number(line.evidence.count)], ["Merkle root", <Ident key="root" value={line.evidence.root} />]]} />
              <p className="fl-dim">Reports of devices or carriers that this line rests on. An export carries the pieces; each proves itself against the root.</p>
            </>
          ) : (
            <span className="fl-dim">A decision by itself: it rests on no batch of reports.</span>
          )}
        </section>
        <section>
          <h3>Place in the chain</h3>
          {line.seq === null ? (
            <p className="fl-dim">Written, not sealed yet: it takes its place within about a second.</p>
          ) : (
            <Facts
              items={[
                ["Line", format.number(line.seq)],
                ["Hash", <Ident key="hash" value={line.hash} />],
                ["Signed", signed === undefined ? "…" : signed && signed.seq >= line.seq ? <span key="signed">covered by checkpoint {format.number(signed.seq)}, signed <Age at={signed.at} /> with key <code>{signed.key_id}</code></span> : "no checkpoint covers it yet"],
                ["Id", <Ident key="id" value={line.id} />],
              ]}
            />
          )}
        </section>
      </div>
    </aside>
  );
}

function Only({ search, what }: { search: Record<string, string>; what: string }) {
  return (
    <Tooltip label={`Only lines with ${what}`}>
      <Link className={css.only} to="/journal" search={search} aria-label={`Only lines with ${what}`}>
        <IconFilter size={13} aria-hidden />
      </Link>
    </Tooltip>
  );
}

/** Digests, and the values behind them for who may read them and says why. */
function Personal({ personal }: { personal: [string, string][] }) {
  const [reason, setReason] = useState("");
  const reveal = useWrite({
    send: (_: void) => ok(api.POST("/v1/journal/personal", { body: { digests: personal.map(([, digest]) => digest), reason: reason.trim() } })),
    touches: ["journal"],
  });
  const shown = new Map(reveal.data?.map((one) => [one.digest, one.value]));
  return (
    <section>
      <h3>Personal values</h3>
      <Facts items={personal.map(([what, digest]) => [capital(wordsOf(what)), reveal.data ? (shown.get(digest) ?? <span className="fl-dim">erased</span>) : <Ident key={digest} value={digest} />])} />
      {!reveal.data && (
        <form
          className={css.reveal}
          onSubmit={(event) => {
            event.preventDefault();
            if (reason.trim()) reveal.mutate();
          }}
        >
          <TextInput size="xs" label="Why you look" description="Showing the values leaves a line of its own, with this reason." value={reason} maxLength={500} onChange={(event) => setReason(event.currentTarget.value)} />
          <ActionButton type="submit" permission="personal.read" reason={reason.trim() ? undefined : "say why first"} loading={reveal.isPending}>
            Show the values
          </ActionButton>
        </form>
      )}
    </section>
  );
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
