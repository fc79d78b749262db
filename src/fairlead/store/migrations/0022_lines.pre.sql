-- What single lines do not have of what their carrier can do: plans and cards differ.

alter table subscription add column unable jsonb; -- verb → why not; null: whatever its account can
