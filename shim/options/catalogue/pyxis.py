"""Options of Pyxis, the SPANK plug-in for containers: what scripts for GPU clusters say, and dstack can do."""

from shim.options.joboption import JobOption
from shim.options.option import Argument, Effect
from shim.options.values import flag, text

_PLUGIN = "Pyxis"
_HOME = "name the folder in --container-mounts or in the configuration"
_ONLY = "needs a partition that runs on dstack; elsewhere refused in one line"

OPTIONS = tuple(
    JobOption(
        name=name,
        argument=argument,
        metavar=metavar,
        value=text(field) if argument is Argument.REQUIRED else flag(field),
        since=_PLUGIN,
        local=Effect.REFUSED,
        dstack=effect,
        note=note,
        refusal="there are no containers on this machine" if effect is Effect.HONOURED else note,
    )
    for name, argument, metavar, field, effect, note in (
        ("container-image", Argument.REQUIRED, "image", "container_image", Effect.HONOURED, _ONLY),
        ("container-mounts", Argument.REQUIRED, "src:dst[:flags],...", "container_mounts", Effect.HONOURED, _ONLY),
        ("container-workdir", Argument.REQUIRED, "path", "container_workdir", Effect.HONOURED, _ONLY),
        ("container-env", Argument.REQUIRED, "name,...", "container_env", Effect.HONOURED, _ONLY),
        ("container-mount-home", Argument.NONE, "", "container_mount_home", Effect.REFUSED, _HOME),
        (
            "no-container-mount-home",
            Argument.NONE,
            "",
            "no_container_mount_home",
            Effect.IGNORED,
            "mounts follow the configuration: nothing but its `shared` folders",
        ),
        ("container-name", Argument.REQUIRED, "name", "container_name", Effect.REFUSED, "runs share no containers"),
        ("container-save", Argument.REQUIRED, "path", "container_save", Effect.REFUSED, "images are not written"),
        ("container-remap-root", Argument.NONE, "", "container_remap_root", Effect.REFUSED, "dstack's user is used"),
        ("no-container-remap-root", Argument.NONE, "", "no_container_remap_root", Effect.HONOURED, "the default"),
        ("container-entrypoint", Argument.NONE, "", "container_entrypoint", Effect.REFUSED, "the script is run itself"),
        ("no-container-entrypoint", Argument.NONE, "", "no_container_entrypoint", Effect.HONOURED, "the default"),
        ("container-writable", Argument.NONE, "", "container_writable", Effect.HONOURED, "the default"),
        ("container-readonly", Argument.NONE, "", "container_readonly", Effect.REFUSED, "containers are writable"),
    )
)
