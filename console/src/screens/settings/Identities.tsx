// Which subjects of identity providers sign in as a person.
import { Button, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ok, useWrite } from "@/api/queries";
import { ActionButton, Loading, Problem } from "@/parts";
import css from "./settings.module.css";

export function Identities({ id }: { id: string }) {
  const [issuer, setIssuer] = useState("");
  const [subject, setSubject] = useState("");
  const found = useQuery({ queryKey: ["people", "identities", id], queryFn: () => ok(api.GET("/v1/principals/{id}/identities", { params: { path: { id } } })) });
  const link = useWrite({
    send: () => ok(api.POST("/v1/principals/{id}/identities", { params: { path: { id } }, body: { issuer: issuer.trim(), subject: subject.trim() } })),
    touches: ["people"],
    done: () => "Linked",
    tellProblem: false,
  });
  const unlink = useWrite({
    send: (one: { issuer: string; subject: string }) => ok(api.DELETE("/v1/principals/{id}/identities", { params: { path: { id }, query: one } })),
    touches: ["people"],
    done: () => "Unlinked; browser sessions ended",
  });
  return (
    <section aria-label="Linked identities" style={{ borderTop: "1px solid var(--fl-line)", paddingTop: "0.75rem" }}>
      <h3 style={{ margin: 0, fontSize: "var(--mantine-font-size-sm)" }}>Linked identities</h3>
      {found.isPending ? (
        <Loading what="Reading links" />
      ) : found.error ? (
        <Problem error={found.error} retry={found.refetch} />
      ) : found.data.length === 0 ? (
        <p className={css.small}>None. A person signs in with a password, or as a subject that is linked here.</p>
      ) : (
        found.data.map((one) => (
          <div key={`${one.issuer} ${one.subject}`} className={css.line}>
            <span style={{ overflowWrap: "anywhere" }}>
              {one.subject} <span className={css.small}>at {one.issuer}</span>
            </span>
            <Button variant="default" size="compact-xs" onClick={() => unlink.mutate(one)}>
              Unlink
            </Button>
          </div>
        ))
      )}
      <div className={css.map} style={{ marginTop: "0.5rem" }}>
        <TextInput size="xs" aria-label="Issuer" placeholder="https://id.example.com" value={issuer} onChange={(event) => setIssuer(event.currentTarget.value)} />
        <TextInput size="xs" aria-label="Subject" placeholder="Subject at the issuer" value={subject} onChange={(event) => setSubject(event.currentTarget.value)} />
        <ActionButton
          permission="people.write"
          reason={issuer.trim() && subject.trim() ? undefined : "give issuer and subject"}
          onClick={() => link.mutate(undefined, { onSuccess: () => { setIssuer(""); setSubject(""); } })}
        >
          Link
        </ActionButton>
      </div>
      {link.error && <Problem error={link.error} />}
    </section>
  );
}
