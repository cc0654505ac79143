from alembic import context
from flask import current_app

extension = current_app.extensions["migrate"]


def include_object(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """The months of a partitioned table are made as they are needed (logs/partitions): no model names them."""
    return not (kind == "table" and reflected and compare_to is None and name is not None and name[-6:].isdigit())


with extension.db.engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=extension.db.metadata, include_object=include_object, **extension.configure_args
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
