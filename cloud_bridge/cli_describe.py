"""`wxvend bridge asyncapi`: what machines and bridge say to each other, for other people's tools."""

import json

import click

from wire.asyncapi import document


@click.command("asyncapi", short_help="Describe all MQTT messages as an AsyncAPI 3.0 document.")
def asyncapi() -> None:
    """Write the AsyncAPI 3.0 document of all MQTT messages, made from the types that the programs use.

    \b
    Examples:
      wxvend bridge asyncapi > asyncapi.json
      wxvend bridge asyncapi | jq '.channels | keys'
    """
    click.echo(json.dumps(document(), ensure_ascii=False, indent=2))
